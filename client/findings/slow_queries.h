// Owns the judgement of slow queries, which the server makes of a threshold that the project has.
#pragma once

#include "findings/judgement.h"
#include "postgres/connection.h"
#include "run/run_report.h"

#include <vector>

namespace dbperf::client::findings {

// One for each that is too slow or too rare to be judged, or one that says that there is none.
void add_slow_queries(std::vector<Judgement> &judgements, postgres::Connection &results, const run::RunReport &run,
                      double threshold_ms);

} // namespace dbperf::client::findings
