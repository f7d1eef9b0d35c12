// Owns measuring one query on two databases in turns. What the times mean, the server says.
#pragma once

#include "connection.h"
#include "drive_query_runner.h"

#include <string>
#include <vector>

namespace dbperf::client {

// One of the two databases, in a session that executes monitored queries only and captures no plans.
struct ComparedSide {
    ComparedSide(std::string run_label, const ConnectionTarget &database);
    // Another session, of another process: one process may be slower than another by a third, through the memory and
    // the processor it happened to get, for as long as it lives.
    void renew();

    std::string label; // of its run
    ConnectionTarget target;
    Connection connection;
    long long executions = 0; // that the server told of
};

struct InterleavedPass {
    std::size_t set = 0;
    Measurement before, after; // the fastest ones
};

struct InterleavedTimes {
    std::vector<InterleavedPass> passes;
    std::vector<double> before_ms, after_ms; // at one position: of one pass
    std::size_t usual_set = 0;               // the set with the median number of blocks
};

// Adds passes of A B B A and B A A B, so that neither a drift of the machine nor warm caches favour a side; each pass
// has one parameter set, and the fastest execution counts for each side: what else the machine does only ever adds.
// There are half as many passes as `samples`; a pass of short executions has up to four rounds, which halves the spread
// of the ratios. Each pass has new sessions (up to 20 of a side); what warms their caches belongs to no run.
void measure_in_turns(ComparedSide &before, ComparedSide &after, const PreparedQuery &query, int samples,
                      double budget_ms, InterleavedTimes &times);

// One execution whose plan is stored, with the time of each node.
void capture_plan(ComparedSide &side, const PreparedQuery &query, std::size_t set, double budget_ms);

} // namespace dbperf::client
