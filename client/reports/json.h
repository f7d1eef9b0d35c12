// Owns a check as JSON: what `dbperf check --format json` prints and --report json=PATH writes. Its schema is
// report.schema.json beside this file.
#pragma once

#include "findings/judgement.h"
#include "reports/report_details.h"

#include <nlohmann/json_fwd.hpp>

namespace dbperf::client::reports {

// Parts of it.
nlohmann::ordered_json judgement_json(const findings::Judgement &each);
nlohmann::ordered_json story_json(const DeadlockStory &story);
nlohmann::ordered_json latency_json(const QueryLatency &latency);

nlohmann::ordered_json check_json(const findings::CheckReport &report, const ReportDetails &details);

} // namespace dbperf::client::reports
