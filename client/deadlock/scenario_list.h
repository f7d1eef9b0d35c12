// Owns the syntax of lists of labelled scenarios: "# ID title | deadlock or safe | source", "setup:", then one
// statement of a session a line ("A:update ..."), in the order in which they are to be sent.
#pragma once

#include "deadlock/scenario.h"

#include <string>
#include <vector>

namespace dbperf::client::deadlock {

// Every session's statements are one transaction; it is committed at the end. Throws a usage error that names file,
// line and what was expected.
std::vector<DeadlockSpec> parse_scenario_list(const std::string &text, const std::string &file);

// A file of specs or, when its name ends in .txt, a list of scenarios.
std::vector<DeadlockSpec> load_deadlock_file(const std::string &file);

} // namespace dbperf::client::deadlock
