// Owns a check as JUnit XML, in the subset that CI servers share: a suite for each kind, a case for each judgement.
#pragma once

#include "findings/judgement.h"

#include <string>

namespace dbperf::client::reports {

std::string junit_report(const findings::CheckReport &report);

} // namespace dbperf::client::reports
