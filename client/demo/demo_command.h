// dbperf demo: every scenario run for real on the sample shop, on a private server that is gone afterwards.
#pragma once

#include "cli/command.h"

namespace dbperf::client::demo {

extern const cli::Command demo_command;

} // namespace dbperf::client::demo
