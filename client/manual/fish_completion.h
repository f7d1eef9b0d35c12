// Completion of the command line in fish: a script, made of what the program says of itself.
#pragma once

#include "cli/program_description.h"

#include <string>

namespace dbperf::client::manual {

std::string fish_completion(const cli::ProgramDescription &program);

} // namespace dbperf::client::manual
