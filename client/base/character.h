// Owns classes of characters: ASCII, whatever the locale.
#pragma once

#include <string_view>

namespace dbperf::client::base {

// What the server's scanner takes for space, and \v, which 16 and later take.
inline constexpr std::string_view white_space = " \t\r\n\f\v";
constexpr bool is_space(char c) {
    return white_space.find(c) != std::string_view::npos;
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

} // namespace dbperf::client::base
