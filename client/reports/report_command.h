// dbperf report: the summary of a stored run, or what changed over runs.
#pragma once

#include "cli/command.h"

namespace dbperf::client::reports {

// Gives the program's exit status, or throws an Error.
int report_command(const cli::Context &context);

} // namespace dbperf::client::reports
