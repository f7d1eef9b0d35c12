// dbperf deadlock: scenarios in isolation-tester syntax, made to happen again and again beside a control; or what a run
// predicted, made to happen once.
#pragma once

#include "cli/command.h"

namespace dbperf::client::deadlock {

// Gives the program's exit status, or throws an Error.
int deadlock_command(const cli::Context &context);

} // namespace dbperf::client::deadlock
