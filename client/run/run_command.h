// dbperf run: observes a command, at several sizes of the data if wanted, or executes the monitored queries.
#pragma once

#include "cli/command.h"

namespace dbperf::client::run {

// Gives the program's exit status, or throws an Error.
int run_command(const cli::Context &context);

} // namespace dbperf::client::run
