// dbperf server start|stop|status: the private server as users and scripts drive it.
#pragma once

#include "cli/command.h"

namespace dbperf::client::server {

extern const cli::Command server_command;

} // namespace dbperf::client::server
