// Owns measuring one query on two databases in turns. What the times mean, the server says.
#pragma once

#include "connection.h"
#include "drive_query_runner.h"

#include <string>
#include <vector>

namespace dbperf::client {

// One of the two databases, in a session that executes monitored queries only.
struct ComparedSide {
    std::string label; // of its run
    Connection connection;
    long long executions = 0; // that the server told of
};

struct InterleavedTimes {
    std::vector<double> before_ms, after_ms; // at one position: of one parameter set
    std::size_t usual_set = 0;               // the set with the median number of blocks
};

// Passes of A B B A and B A A B, so that neither a drift of the machine nor warm caches favour a side; each pass has
// one parameter set, and of its two executions the faster one counts for each side. There are `samples` executions a
// side, one more if that is odd; with more parameter sets than passes these are spread over them. Before it, what warms
// the caches belongs to no run; no plan is captured meanwhile.
InterleavedTimes measure_in_turns(ComparedSide &before, ComparedSide &after, const PreparedQuery &query, int samples,
                                  double budget_ms);

// One execution whose plan is stored, with the time of each node.
void capture_plan(ComparedSide &side, const PreparedQuery &query, std::size_t set, double budget_ms);

} // namespace dbperf::client
