// dbperf testdb: templates from migrations, a clean database for a command, and what there is. The server does the
// rest.
#pragma once

#include "cli/command.h"

namespace dbperf::client::testdb {

extern const cli::Command testdb_command;

} // namespace dbperf::client::testdb
