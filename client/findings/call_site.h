// Owns where in the code a finding is: what sqlcommenter's keys say, and paths relative to the repository.
#pragma once

#include <string>
#include <string_view>

namespace dbperf::client::findings {

struct SourceLine {
    std::string file; // "": not known
    int line = 0;     // 1-based, 0: not known
};

// Below the root without it, elsewhere as it is.
std::string path_below(const std::string &root, const std::string &file);

// Where a statement was sent from, if its sqlcommenter keys say so: source_location, line, file, caller.
SourceLine line_of_call_site(std::string_view call_site);

} // namespace dbperf::client::findings
