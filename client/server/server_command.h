// dbperf server start|stop|status: the private server as users and scripts drive it.
#pragma once

#include "cli/command.h"

namespace dbperf::client::server {

// Gives the program's exit status, or throws an Error.
int server_command(const cli::Context &context);

} // namespace dbperf::client::server
