// dbperf push and dbperf collect: stored runs into a results database of their own.
#pragma once

#include "cli/command.h"

namespace dbperf::client::results_database {

extern const cli::Command push_command;
extern const cli::Command collect_command;

} // namespace dbperf::client::results_database
