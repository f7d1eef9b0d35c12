// dbperf compare: judges a migration on two copies of a database, or two stored runs.
#pragma once

#include "cli/command.h"

namespace dbperf::client::compare {

extern const cli::Command compare_command;

} // namespace dbperf::client::compare
