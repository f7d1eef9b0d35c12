// Owns how a statement that a run kept is handed to the server, which executes it as the role it was seen from (see
// extension/observe/captured_execution.cpp), and how its rows come back.
#pragma once

#include "postgres/connection.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbperf::client::queries {

// A statement, and what it was sent as.
struct CapturedStatement {
    std::string sql;                // with $1, $2, ... for the values
    std::vector<std::string> types; // of the values, with their schema
    std::vector<postgres::Parameter> values;
    std::string role;
    std::vector<std::pair<std::string, std::string>> settings; // search_path among them
};

// The text of an array: {"a",NULL}.
std::string array_literal(const std::vector<postgres::Parameter> &elements);

// The value of dbperf.captured that asks for `action`: inspect, execute, explain or replay.
std::string captured_request(std::string_view action, const CapturedStatement &statement);

// One row of the answer: its columns. Throws an internal error when it is none.
std::vector<postgres::Parameter> captured_row(std::string_view text);

// The last row of the answer.
struct CapturedEnd {
    std::vector<bool> floating; // of each column
    long long rows = 0;         // that were returned or changed
};
CapturedEnd captured_end(std::string_view text);

} // namespace dbperf::client::queries
