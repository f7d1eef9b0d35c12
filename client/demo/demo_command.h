// dbperf demo: every scenario run for real on the sample shop, on a private server that is gone afterwards.
#pragma once

#include "cli/command.h"

namespace dbperf::client::demo {

// Gives the program's exit status, or throws an Error.
int demo_command(const cli::Context &context);

} // namespace dbperf::client::demo
