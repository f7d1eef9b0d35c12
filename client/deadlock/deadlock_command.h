// dbperf deadlock: scenarios in isolation-tester syntax, made to happen again and again beside a control; or what a run
// predicted, made to happen once.
#pragma once

#include "cli/command.h"

namespace dbperf::client::deadlock {

extern const cli::Command deadlock_command;

} // namespace dbperf::client::deadlock
