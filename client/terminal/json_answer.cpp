#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::terminal {
namespace {

// Raised when a member changes its meaning or goes; new members do not raise it.
constexpr int schema_version = 1;

} // namespace

std::string json_text(const nlohmann::ordered_json &object) {
    nlohmann::ordered_json versioned = {{"schema_version", schema_version}};
    versioned.update(object);
    return versioned.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void print_json(const nlohmann::ordered_json &object) {
    fmt::print("{}", json_text(object));
}

} // namespace dbperf::client::terminal
