// dbperf statistics: what the planner of a server knows, as a file to plan with elsewhere.
#pragma once

#include "cli/command.h"

namespace dbperf::client::statistics {

extern const cli::Command statistics_command;

} // namespace dbperf::client::statistics
