// Owns a check as SARIF 2.1.0, for code scanning: a rule for each kind, a result for each finding and warning.
#pragma once

#include "findings/judgement.h"

#include <string>

namespace dbperf::client::reports {

std::string sarif_report(const findings::CheckReport &report);

} // namespace dbperf::client::reports
