// Owns how numbers are written for people: times, ratios, counts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dbperf::client::terminal {

// "0.042 ms", "3.10 ms", "120 ms", "1.25 s": three significant digits.
std::string format_ms(double milliseconds);

// "12,345".
std::string format_count(double count);

// "39 -> 5", "-" when nothing is known.
std::string format_change(std::optional<double> before, std::optional<double> after);

// "1 query", "5 queries".
std::string plural(long long count, std::string_view one, std::string_view many);

} // namespace dbperf::client::terminal
