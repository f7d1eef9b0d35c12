// Owns a deadlock in the HTML report: the wait cycle as a drawing, what the sessions did side by side, and what it
// cost.
#pragma once

#include "reports/deadlock_story.h"

#include <string>

namespace dbperf::client::reports {

std::string html_deadlock(const DeadlockStory &story);

} // namespace dbperf::client::reports
