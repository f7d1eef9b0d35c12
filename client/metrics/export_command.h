// dbperf export: metrics for a monitoring system, into a file or for scraping.
#pragma once

#include "cli/command.h"

namespace dbperf::client::metrics {

// Gives the program's exit status, or throws an Error.
int export_command(const cli::Context &context);

} // namespace dbperf::client::metrics
