// dbperf run: observes a command, at several sizes of the data if wanted, or executes the monitored queries.
#pragma once

#include "cli/command.h"

namespace dbperf::client::run {

extern const cli::Command run_command;

} // namespace dbperf::client::run
