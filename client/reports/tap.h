// Owns a check as TAP version 13: one line a judgement, what there is to know of it as YAML below.
#pragma once

#include "findings/judgement.h"

#include <string>

namespace dbperf::client::reports {

std::string tap_report(const findings::CheckReport &report);

} // namespace dbperf::client::reports
