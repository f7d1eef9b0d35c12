#include "statistics/statistics_export.h"

#include "base/interrupt.h"
#include "statistics/index_ends.h"
#include "statistics/statistics_queries.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <utility>

namespace dbperf::client::statistics {
using namespace base;
using namespace postgres;

namespace {

using Json = nlohmann::ordered_json;

constexpr int oldest_server = 130000;

// Each row of the query is one object of the list.
void read_list(Connection &source, const std::string &query, const std::string &clear_types, Json &list) {
    const Result found = source.execute(query, {clear_types.empty() ? Parameter() : Parameter(clear_types)});
    for (int row = 0; row < found.rows(); ++row) {
        throw_if_interrupted();
        list.push_back(Json::parse(found.text(row, 0)));
    }
}

bool answers_yes(Connection &source, const std::string &query) {
    const Result answer = source.execute(query);
    return answer.rows() == 1 && answer.text(0, 0) == "t";
}

Json settings_of(Connection &source) {
    Json settings = Json::object();
    const Result found = source.execute(planner_settings_query());
    for (int row = 0; row < found.rows(); ++row)
        settings[found.text(row, 0)] = found.text(row, 1);
    return settings;
}

Json head_of(Connection &source, bool redacted) {
    const Result about = source.execute(
        "SELECT pg_catalog.current_database(), pg_catalog.current_setting('server_version'),"
        " pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " pg_catalog.current_setting('block_size'), d.datcollate, pg_catalog.pg_encoding_to_char(d.encoding)"
        " FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()");
    return {{"server_version", source.server_version()},
            {"server_version_text", about.text(0, 1)},
            {"database", about.text(0, 0)},
            {"exported_at", about.text(0, 2)},
            {"redacted", redacted},
            {"block_size", std::stoi(about.text(0, 3))},
            {"collation", about.text(0, 4)},
            {"encoding", about.text(0, 5)},
            {"settings", settings_of(source)}};
}

// Height of btrees and pages of GIN indexes stand in their first pages, which only pageinspect shows, to superusers.
void add_first_pages(Connection &source, Json &document) {
    const Result schema = source.execute(
        "SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace"
        " WHERE e.extname = 'pageinspect' AND (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER)");
    if (schema.rows() == 0) {
        document["missing"].push_back({{"kind", "heights of indexes"},
                                       {"schema", ""},
                                       {"relation", ""},
                                       {"name", ""},
                                       {"reason", "they take a superuser and the extension pageinspect; they are "
                                                  "derived from the numbers of pages"}});
        return;
    }
    std::map<std::pair<std::string, std::string>, Json> pages;
    const Result found = source.execute(first_pages_query(source.quote_name(schema.text(0, 0))));
    for (int row = 0; row < found.rows(); ++row)
        pages[{found.text(row, 0), found.text(row, 1)}] = Json::parse(found.text(row, 2));
    for (Json &index : document.at("indexes"))
        if (const auto known = pages.find({index.at("schema"), index.at("name")}); known != pages.end())
            index.update(known->second);
}

// Types whose values are no texts: numbers, times, truth values, enums, and arrays and ranges of them.
std::string clear_types(Connection &source) {
    return source.execute(clear_types_query()).text(0, 0);
}

void read_columns(Connection &source, const std::string &clear, Json &document) {
    const bool sees_all = answers_yes(
        source, "SELECT pg_catalog.has_table_privilege('pg_catalog.pg_statistic'::pg_catalog.regclass, 'SELECT')");
    const int version = source.server_version();
    read_list(source, sees_all ? columns_query() : readable_columns_query(version), clear, document["columns"]);
    if (sees_all) {
        read_list(source, custom_statistics_query(), "", document["missing"]);
        return;
    }
    read_list(source, unreadable_columns_query(), "", document["missing"]);
    if (version < first_with_ranges)
        read_list(source, unreadable_ranges_query(), "", document["missing"]);
}

} // namespace

Json export_statistics(Connection &source, const ExportOptions &options,
                       const std::function<void(std::string_view)> &progress) {
    if (source.server_version() < oldest_server)
        throw environment_error(fmt::format("the server is of version {}", source.server_version() / 10000),
                                "statistics are exported from PostgreSQL 13 and later");
    source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = '1s';"
                   " SET LOCAL extra_float_digits = 1; SET LOCAL DateStyle = 'ISO, YMD';"
                   " SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'");
    Json document = head_of(source, options.redact);
    for (const char *list : {"relations", "indexes", "columns", "extended_statistics", "missing"})
        document[list] = Json::array();
    const std::string clear = options.redact ? clear_types(source) : "";
    progress("reading sizes");
    read_list(source, relations_query(source.server_version()), "", document["relations"]);
    read_list(source, indexes_query(source.server_version()), "", document["indexes"]);
    add_first_pages(source, document);
    progress("reading statistics of columns");
    read_columns(source, clear, document);
    read_list(source, extended_statistics_query(), clear, document["extended_statistics"]);
    read_list(source, unreadable_extended_query(), "", document["missing"]);
    progress("reading the ends of indexes");
    add_index_ends(source, clear, document);
    source.execute("ROLLBACK");
    return document;
}

} // namespace dbperf::client::statistics
