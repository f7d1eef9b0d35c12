// Classes of characters as SQL reads them: ASCII, whatever the locale.
#pragma once

namespace dbperf::core {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

} // namespace dbperf::core
