// dbperf check: the gate. Which findings there are, the server says; this turns them into an exit status and reports.
#pragma once

#include "cli/command.h"

namespace dbperf::client::check {

// Gives the program's exit status, or throws an Error.
int check_command(const cli::Context &context);

} // namespace dbperf::client::check
