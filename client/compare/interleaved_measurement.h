// Owns measuring one query on two databases in turns. What the times mean, the server says.
#pragma once

#include "postgres/connection.h"
#include "queries/query_runner.h"
#include "queries/result_digest.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::compare {

// One of the two databases, in a session that executes monitored queries only and captures no plans.
struct ComparedSide {
    // statement_timeout in PostgreSQL's spelling; "" is the database's own.
    ComparedSide(std::string run_label, const postgres::ConnectionTarget &database, std::string statement_timeout);
    // Another session, of another process: one process may be slower than another by a third, through the memory and
    // the processor it happened to get, for as long as it lives.
    void renew();

    std::string label; // of its run
    postgres::ConnectionTarget target;
    std::string timeout;
    postgres::Connection connection;
    long long executions = 0; // that the server reported
};

// A query that failed or was cancelled on one side; the session can go on.
class SideError : public base::Error {
public:
    SideError(const ComparedSide &side, const queries::QueryError &cause, std::size_t set, double ms)
        : base::Error(cause.code(), cause.what(), cause.hint()), side_(&side), cause_(cause), set_(set), ms_(ms) {}

    const ComparedSide &side() const { return *side_; }
    const queries::QueryError &cause() const { return cause_; }
    std::size_t set() const { return set_; }
    double ms() const { return ms_; } // after which it ended

private:
    const ComparedSide *side_;
    queries::QueryError cause_;
    std::size_t set_;
    double ms_;
};

struct InterleavedPass {
    std::size_t set = 0;
    queries::Measurement before, after; // the fastest ones
};

// What both sides gave for one parameter set.
struct SetDigests {
    std::size_t set = 0;
    queries::ResultDigest before, after;
};

struct InterleavedTimes {
    std::vector<InterleavedPass> passes;
    std::vector<double> before_ms, after_ms; // at one position: of one pass
    std::size_t usual_set = 0;               // the set with the median number of blocks
    std::vector<SetDigests> digests;         // of each set once
};

// Times as a float8[] that the server reads.
std::string array_text(const std::vector<double> &values);

// A query, what it gave so far, and the error that ended its measurement.
struct QueryInTurns {
    const queries::PreparedQuery *query = nullptr;
    double budget_ms = 0;
    InterleavedTimes times;
    std::optional<SideError> trouble;
};

// Adds passes of A B B A and B A A B, so that neither a drift of the machine nor warm caches favour a side; each pass
// has one parameter set, and the fastest execution counts for each side: what else the machine does only ever adds.
// A pass of short executions has up to four rounds, which halves the spread of the ratios; the sets of a query are
// spread over `all_passes` where they are more. A pass is made of all queries, one after the other in the same
// sessions, and each has new ones (up to 20 of a side); what warms their caches belongs to no run.
void measure_in_turns(ComparedSide &before, ComparedSide &after, const std::vector<QueryInTurns *> &queries,
                      std::size_t passes, std::size_t all_passes);

// One execution that belongs to no run. Throws a SideError.
queries::ResultDigest digest_of_execution(ComparedSide &side, const queries::PreparedQuery &query, std::size_t set);

// One execution whose plan is stored, with the time of each node; also that of an execution that is cancelled.
void capture_plan(ComparedSide &side, const queries::PreparedQuery &query, std::size_t set, double budget_ms);

} // namespace dbperf::client::compare
