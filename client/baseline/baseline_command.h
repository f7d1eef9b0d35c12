// dbperf baseline: stored runs as files, and files as stored runs. What belongs to a run, the server says.
#pragma once

#include "cli/command.h"

namespace dbperf::client::baseline {

// Gives the program's exit status, or throws an Error.
int baseline_command(const cli::Context &context);

} // namespace dbperf::client::baseline
