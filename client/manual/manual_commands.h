// dbperf completion and dbperf man: the command line described for shells and for readers of manuals.
#pragma once

#include "cli/command.h"

namespace dbperf::client::manual {

extern const cli::Command completion_command;
extern const cli::Command man_command;

} // namespace dbperf::client::manual
