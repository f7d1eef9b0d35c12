// dbperf export: metrics for a monitoring system, into a file or for scraping.
#pragma once

#include "cli/command.h"

namespace dbperf::client::metrics {

extern const cli::Command export_command;

} // namespace dbperf::client::metrics
