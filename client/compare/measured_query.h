// Owns measuring many queries on two databases: in the same sessions, in batches, and each as often as it takes.
#pragma once

#include "compare/interleaved_measurement.h"
#include "compare/query_outcome.h"
#include "postgres/connection.h"
#include "queries/query_runner.h"
#include "terminal/progress.h"

#include <optional>
#include <vector>

namespace dbperf::client::compare {

struct MeasuredQuery {
    InterleavedTimes times; // none when the query failed or was cancelled
    std::optional<QueryOutcome> outcome;

    bool was_judged() const { return !times.before_ms.empty(); }
};

struct Measuring {
    int samples = 40; // executions of each query on each side, at least: half as many pairs
    std::optional<double> threshold_ms;
    bool keep_partial = false; // an interrupt ends it with the batches that were done by then
};

// A session costs more than twenty executions of a short query: each pass is made of all queries of a batch in turn,
// and then has new sessions. Ends at an interrupt, with the batches that were done by then.
std::vector<MeasuredQuery> measure_on_both(postgres::Connection &results, ComparedSide &before, ComparedSide &after,
                                           const std::vector<queries::PreparedQuery> &queries,
                                           const Measuring &measuring, terminal::Progress &progress);

} // namespace dbperf::client::compare
