// dbperf doctor: what is loaded, what is missing, how to mend it.
#pragma once

#include "cli/command.h"

namespace dbperf::client::doctor {

// Gives the program's exit status, or throws an Error.
int doctor_command(const cli::Context &context);

} // namespace dbperf::client::doctor
