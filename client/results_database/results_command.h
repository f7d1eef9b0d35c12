// dbperf push and dbperf collect: stored runs into a results database of their own.
#pragma once

#include "cli/command.h"

namespace dbperf::client::results_database {

// Gives the program's exit status, or throws an Error.
int push_command(const cli::Context &context);
int collect_command(const cli::Context &context);

} // namespace dbperf::client::results_database
