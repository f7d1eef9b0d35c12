// Completion of the command line in bash: a script, made of what the program says of itself.
#pragma once

#include "cli/program_description.h"

#include <string>

namespace dbperf::client::manual {

std::string bash_completion(const cli::ProgramDescription &program);

} // namespace dbperf::client::manual
