// Owns how an exported run looks as a file: what belongs to one thing on one line, so that differences are read well.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace dbperf::client::baseline {

// Members sorted by name, one a line; a list of numbers or texts on one line. Ends with a newline. The same value gives
// the same text, and reading that text gives the same value.
std::string baseline_text(const nlohmann::json &value);

} // namespace dbperf::client::baseline
