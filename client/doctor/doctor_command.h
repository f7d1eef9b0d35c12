// dbperf doctor: what is loaded, what is missing, how to fix it.
#pragma once

#include "cli/command.h"

namespace dbperf::client::doctor {

extern const cli::Command doctor_command;

} // namespace dbperf::client::doctor
