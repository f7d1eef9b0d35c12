// dbperf testdb: templates from migrations, a clean database for a command, and what there is. The server does the
// rest.
#pragma once

#include "cli/command.h"

namespace dbperf::client::testdb {

// Gives the program's exit status, or throws an Error.
int testdb_command(const cli::Context &context);

} // namespace dbperf::client::testdb
