// Owns which commands reach beyond the database they are sent to.
#pragma once

#include <string>
#include <vector>

namespace dbperf::client::mcp {

// What all databases of a server share and the statement of these first words, in upper case, is about, as "a role";
// "" for all others.
std::string shared_object(const std::vector<std::string> &words);

} // namespace dbperf::client::mcp
