// Owns asking for a password on the terminal, unseen.
#pragma once

#include <string>

namespace dbperf::client::postgres {

bool can_prompt();

// Asks once; a command that opens several connections uses the answer for all of them.
const std::string &prompt_for_password();

} // namespace dbperf::client::postgres
