// Owns asking for a password on the terminal, unseen.
#pragma once

#include <string>

namespace dbperf::client {

bool can_prompt();

std::string prompt_for_password();

} // namespace dbperf::client
