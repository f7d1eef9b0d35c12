// dbperf check: the gate. Which findings there are, the server says; this turns them into an exit status and reports.
#pragma once

#include "cli/command.h"

namespace dbperf::client::check {

extern const cli::Command check_command;

} // namespace dbperf::client::check
