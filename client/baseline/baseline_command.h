// dbperf baseline: stored runs as files, and files as stored runs. What belongs to a run, the server says.
#pragma once

#include "cli/command.h"

namespace dbperf::client::baseline {

extern const cli::Command baseline_command;

} // namespace dbperf::client::baseline
