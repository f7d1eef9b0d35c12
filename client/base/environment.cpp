#include "base/environment.h"

#include <cstdlib>

namespace dbperf::client::base {

std::optional<std::string> process_environment(const char *name) {
    const char *value = std::getenv(name);
    if (value == nullptr || *value == '\0')
        return std::nullopt;
    return value;
}

} // namespace dbperf::client::base
