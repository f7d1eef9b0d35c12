#include "statistics/index_ends.h"

#include "base/interrupt.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>
#include <tuple>
#include <vector>

namespace dbperf::client::statistics {
using namespace base;
using namespace postgres;

namespace {

// Leading columns of indexes in which the planner would look: whole btrees in the order of the column's own type.
constexpr const char *leading_columns = R"(
SELECT DISTINCT n.nspname AS schema, c.relname AS relation, a.attname AS name
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
  JOIN pg_catalog.pg_am m ON m.oid = x.relam AND m.amname = 'btree'
  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid AND c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'dbperf')
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
  JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[0] AND o.opcdefault
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typcategory <> 'A' AND t.typtype IN ('b', 'e', 'd', 'r')
 WHERE i.indisvalid AND i.indpred IS NULL AND i.indcollation[0] = a.attcollation
   AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT') AND NOT pg_catalog.row_security_active(c.oid)
   AND ($1::pg_catalog.oid[] IS NULL OR a.atttypid = ANY ($1::pg_catalog.oid[]))
 ORDER BY 1, 2, 3)";

using ColumnKey = std::tuple<std::string, std::string, std::string>;

struct Table {
    std::string schema;
    std::string name;
    std::vector<std::string> columns;
};

std::vector<Table> tables_of(const Result &found, const std::map<ColumnKey, nlohmann::ordered_json *> &histograms) {
    std::vector<Table> tables;
    for (int row = 0; row < found.rows(); ++row) {
        const std::string schema = found.text(row, "schema");
        const std::string relation = found.text(row, "relation");
        if (!histograms.contains({schema, relation, found.text(row, "name")}))
            continue;
        if (tables.empty() || tables.back().schema != schema || tables.back().name != relation)
            tables.push_back({schema, relation, {}});
        tables.back().columns.push_back(found.text(row, "name"));
    }
    return tables;
}

std::string query_of(const Connection &source, const Table &table) {
    const std::string from = source.quote_name(table.schema) + "." + source.quote_name(table.name);
    std::string query = "SELECT ";
    for (const std::string &column : table.columns) {
        const std::string name = source.quote_name(column);
        query += fmt::format("{0}ARRAY[(SELECT {1} FROM ONLY {2} WHERE {1} IS NOT NULL ORDER BY {1} LIMIT 1),"
                             " (SELECT {1} FROM ONLY {2} WHERE {1} IS NOT NULL ORDER BY {1} DESC LIMIT 1)]::text",
                             &column == &table.columns.front() ? "" : ", ", name, from);
    }
    return query;
}

bool has_histogram(const nlohmann::ordered_json &column) {
    for (const auto &slot : column.at("slots"))
        if (slot.at("kind") == "histogram" && slot.contains("values") && slot.at("values").is_string())
            return true;
    return false;
}

} // namespace

void add_index_ends(Connection &source, const std::string &clear_types, nlohmann::ordered_json &document) {
    std::map<ColumnKey, nlohmann::ordered_json *> histograms;
    for (auto &column : document.at("columns"))
        if (!column.at("inherited").get<bool>() && column.at("number").is_null() && has_histogram(column))
            histograms[{column.at("schema"), column.at("relation"), column.at("name")}] = &column;
    const Result found = source.execute(leading_columns, {clear_types.empty() ? Parameter() : Parameter(clear_types)});
    // An index gives its end at once; who would have to read the table for it is stopped.
    source.execute("SET LOCAL statement_timeout = '1s'; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off");
    for (const Table &table : tables_of(found, histograms)) {
        throw_if_interrupted();
        source.execute("SAVEPOINT index_ends");
        try {
            const Result ends = source.execute(query_of(source, table));
            for (std::size_t i = 0; i < table.columns.size(); ++i)
                if (const std::string text = ends.text(0, static_cast<int>(i)); text != "{NULL,NULL}")
                    (*histograms.at({table.schema, table.name, table.columns[i]}))["ends"] = text;
            source.execute("RELEASE index_ends");
        } catch (const DatabaseError &error) {
            if (error.sqlstate().empty())
                throw;
            source.execute("ROLLBACK TO index_ends");
            document["missing"].push_back({{"kind", "index ends"},
                                           {"schema", table.schema},
                                           {"relation", table.name},
                                           {"name", ""},
                                           {"reason", error.what()}});
        }
    }
}

} // namespace dbperf::client::statistics
