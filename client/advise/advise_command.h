// dbperf advise: indexes that a workload should have, built in a copy and measured.
#pragma once

#include "cli/command.h"

namespace dbperf::client::advise {

extern const cli::Command advise_command;

} // namespace dbperf::client::advise
