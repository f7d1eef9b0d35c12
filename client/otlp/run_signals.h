// Owns which findings and plans of a run are sent, read from the results database.
#pragma once

#include "findings/judgement.h"
#include "otlp/otlp_messages.h"
#include "postgres/connection.h"

#include <optional>
#include <string>

namespace dbperf::client::otlp {

// Plans: of executions that took as long as the threshold, else as dbperf.slow_query_threshold; the slowest 1,000.
RunSignals load_run_signals(postgres::Connection &results, const findings::CheckReport &report,
                            std::optional<double> threshold_ms, const std::string &service);

} // namespace dbperf::client::otlp
