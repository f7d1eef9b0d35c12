// Owns how variables of the environment are read; tests have others than the process's own.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace dbperf::client::base {

using Environment = std::function<std::optional<std::string>(const char *name)>;

// The process's own environment; an empty variable counts as unset.
std::optional<std::string> process_environment(const char *name);

} // namespace dbperf::client::base
