// dbperf report: the summary of a stored run, or what changed over runs.
#pragma once

#include "cli/command.h"

namespace dbperf::client::reports {

extern const cli::Command report_command;

} // namespace dbperf::client::reports
