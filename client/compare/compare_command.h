// dbperf compare: judges a migration on two copies of a database, or two stored runs.
#pragma once

#include "cli/command.h"

namespace dbperf::client::compare {

// Gives the program's exit status, or throws an Error.
int compare_command(const cli::Context &context);

} // namespace dbperf::client::compare
