// Owns the search for what somebody meant to type.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace dbperf::client::base {

// `did you mean "x"?`, or nothing when no known word is near.
std::string did_you_mean(std::string_view typed, std::span<const std::string_view> known);

} // namespace dbperf::client::base
