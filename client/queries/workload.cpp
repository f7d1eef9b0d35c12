#include "queries/workload.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace dbperf::client::queries {
using namespace base;
using namespace postgres;

namespace {

constexpr std::size_t longest_name = 100; // the server takes 127 bytes

std::string joined_names(const Result &rows) {
    std::string names;
    for (int row = 0; row < rows.rows(); ++row)
        names += (names.empty() ? "" : ", ") + rows.text(row, 0);
    return names;
}

[[noreturn]] void fail_without_parameters(Connection &results, const std::string &label, const std::string &database) {
    const std::string kept =
        joined_names(results.execute("SELECT DISTINCT database FROM dbperf.workload WHERE run_id = dbperf.find_run($1)"
                                     " AND statement IS NOT NULL ORDER BY 1",
                                     {label}));
    if (!kept.empty())
        throw environment_error(
            fmt::format("the run \"{}\" has no statements of the database \"{}\" to execute again", label, database),
            fmt::format("it kept parameters in: {}; name that database with --from", kept));
    const std::string seen = joined_names(results.execute(
        "SELECT DISTINCT database FROM dbperf.statements WHERE run_id = dbperf.find_run($1) ORDER BY 1", {label}));
    throw environment_error(
        fmt::format("the run \"{}\" kept no parameters{}", label, seen.empty() ? ": it has no statements at all" : ""),
        fmt::format("let a superuser run ALTER DATABASE {} SET dbperf.keep_parameters = on; and make the run again",
                    results.quote_name(database)));
}

CapturedStatement execution_of(const Result &rows, int row) {
    CapturedStatement execution;
    execution.sql = rows.text(row, "statement");
    execution.role = rows.text(row, "role");
    execution.settings.emplace_back("search_path", rows.text(row, "search_path"));
    const nlohmann::json settings = nlohmann::json::parse(rows.text(row, "settings"));
    for (const auto &[name, value] : settings.items())
        execution.settings.emplace_back(name, value.get<std::string>());
    for (const nlohmann::json &type : nlohmann::json::parse(rows.text(row, "types")))
        execution.types.push_back(type.get<std::string>());
    for (const nlohmann::json &value : nlohmann::json::parse(rows.text(row, "values")))
        execution.values.push_back(value.is_null() ? Parameter() : Parameter(value.get<std::string>()));
    return execution;
}

} // namespace

std::string captured_name(std::string_view name_or_text, long long fingerprint, bool is_taken) {
    std::string name(name_or_text);
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return std::isspace(c) != 0; }, ' ');
    const bool is_long = name.size() > longest_name;
    if (is_long) {
        std::size_t end = longest_name;
        while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80)
            --end;
        name = name.substr(0, end) + "...";
    }
    if (is_long || is_taken)
        name += fmt::format(" [{:08x}]", static_cast<std::uint32_t>(fingerprint));
    return name;
}

Workload load_workload(Connection &results, const std::string &label, const std::string &database) {
    const Result rows = results.execute(
        "SELECT coalesce(query_name, query, statement) AS name, query_name IS NOT NULL AS is_named, fingerprint,"
        " statement, role, search_path, coalesce(settings, '{}') AS settings, to_json(parameter_types) AS types, "
        "to_json(parameter_values) AS values"
        " FROM dbperf.workload WHERE run_id = dbperf.find_run($1) AND database = $2 AND statement IS NOT NULL"
        " ORDER BY query_name COLLATE \"C\", query COLLATE \"C\", fingerprint, role, parameter_set",
        {label, database});
    if (rows.rows() == 0)
        fail_without_parameters(results, label, database);

    std::map<std::string, std::set<long long>> statements;
    for (int row = 0; row < rows.rows(); ++row)
        statements[rows.text(row, "name")].insert(rows.integer(row, "fingerprint"));
    Workload workload;
    workload.label = label;
    for (int row = 0; row < rows.rows(); ++row) {
        const std::string name_or_text = rows.text(row, "name");
        const std::string name =
            captured_name(name_or_text, rows.integer(row, "fingerprint"), statements[name_or_text].size() > 1);
        if (workload.queries.empty() || workload.queries.back().name != name)
            workload.queries.push_back({name, {}});
        workload.queries.back().executions.push_back(execution_of(rows, row));
    }
    const Result unkept =
        results.execute("SELECT DISTINCT coalesce(query_name, query) AS query, reason FROM dbperf.unkept_statements($1)"
                        " WHERE database = $2 ORDER BY 1",
                        {label, database});
    for (int row = 0; row < unkept.rows(); ++row)
        workload.left_out.push_back({unkept.text(row, "query"), unkept.text(row, "reason")});
    return workload;
}

} // namespace dbperf::client::queries
