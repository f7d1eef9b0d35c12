// Owns the form of every JSON answer: one object, "schema_version" first, always valid UTF-8.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace dbperf::client::terminal {

std::string json_text(const nlohmann::ordered_json &object);

// Prints the object on stdout.
void print_json(const nlohmann::ordered_json &object);

} // namespace dbperf::client::terminal
