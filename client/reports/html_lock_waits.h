// Owns the section of the HTML report about waits for locks.
#pragma once

#include "reports/lock_waits.h"

namespace dbperf::client::reports {

// "" if there were none.
std::string html_lock_waits(const std::vector<LockWaitFigures> &waits);

} // namespace dbperf::client::reports
