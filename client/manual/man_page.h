// Owns the manual page: roff, made of what the program says of itself.
#pragma once

#include "cli/program_description.h"

#include <string>

namespace dbperf::client::manual {

std::string man_page(const cli::ProgramDescription &program);

} // namespace dbperf::client::manual
