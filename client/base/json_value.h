// Values of JSON: written from what may be missing, read with the empty text for null.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace dbperf::client::base {

// null for no value.
template <typename Value>
nlohmann::ordered_json nullable(const std::optional<Value> &value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

// null for the empty text.
inline nlohmann::ordered_json text_or_null(const std::string &text) {
    return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

// The text of a member; empty when it is missing, null or no text.
inline std::string member_text(const nlohmann::json &object, const char *name) {
    const auto found = object.find(name);
    return found == object.end() || !found->is_string() ? std::string() : found->get<std::string>();
}

// A member that is a number, or one of those that JSON has no number for ("Infinity", "NaN"); nothing for all else.
inline std::optional<double> member_number(const nlohmann::json &object, const char *name) {
    const auto found = object.find(name);
    if (found == object.end() || !(found->is_number() || found->is_string()))
        return std::nullopt;
    return found->is_number() ? found->get<double>()
                              : std::strtod(found->get_ref<const std::string &>().c_str(), nullptr);
}

// A member that is a whole number; nothing for all else.
inline std::optional<long long> member_integer(const nlohmann::json &object, const char *name) {
    const auto found = object.find(name);
    return found == object.end() || !found->is_number_integer() ? std::nullopt : std::optional(found->get<long long>());
}

} // namespace dbperf::client::base
