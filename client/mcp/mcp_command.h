// dbperf mcp: the Model Context Protocol over standard input and output, for coding agents.
#pragma once

#include "cli/command.h"

namespace dbperf::client::mcp {

extern const cli::Command mcp_command;

} // namespace dbperf::client::mcp
