// Owns the format of monitored queries: plain SQL files with "-- name:", "-- params:" and "-- dbperf:" lines.
#pragma once

#include "queries/budget.h"

#include <string>
#include <vector>

namespace dbperf::client::queries {

struct MonitoredQuery {
    std::string name;
    std::string file;
    std::string sql;        // as written, without comments before it and the semicolon
    int line = 0;           // of the first line of sql
    std::string params_sql; // the SELECT that gives one set of parameters a row, or ""
    int params_line = 0;
    std::vector<Budget> budgets;
};

// A statement as the server takes it: placeholders replaced by $1, $2, ... in the order of the given columns.
struct BoundStatement {
    std::string sql;
    std::vector<std::size_t> columns; // parameter i is taken from this column of the set
};

// One file may hold several queries, each begun by "-- name:". Throws a usage error that names file and line.
std::vector<MonitoredQuery> parse_query_file(const std::string &text, const std::string &file);

// All queries of a folder's *.sql files, or of one file; names must be unique.
std::vector<MonitoredQuery> load_queries(const std::string &path);

// Throws a usage error when a placeholder has no column.
BoundStatement bind_placeholders(const MonitoredQuery &query, const std::vector<std::string> &columns);

} // namespace dbperf::client::queries
