// Owns what a run kept of its statements, as dbperf.workload has it: executions that can be made again.
#pragma once

#include "queries/captured_statement.h"

#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::queries {

struct CapturedQuery {
    std::string name; // the application's, else made of its text: at most 127 bytes, and unique
    std::vector<CapturedStatement> executions;
};

// A query of the run that is not executed again.
struct LeftOutQuery {
    std::string query;
    std::string reason;
};

struct Workload {
    std::string label;
    std::vector<CapturedQuery> queries; // never empty
    std::vector<LeftOutQuery> left_out;
};

// Throws an environment error with a hint when the run is unknown, of other databases, or kept no parameters.
Workload load_workload(postgres::Connection &results, const std::string &label, const std::string &database);

// What stands for a query in reports: its name, or its text on one line, cut and with the end of its fingerprint when
// it is long or somebody else has that name.
std::string captured_name(std::string_view name_or_text, long long fingerprint, bool is_taken);

} // namespace dbperf::client::queries
