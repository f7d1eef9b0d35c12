#include "terminal/figures.h"

#include <fmt/format.h>

#include <cmath>

namespace dbperf::client::terminal {

std::string format_ms(double milliseconds) {
    const bool seconds = milliseconds >= 1000;
    const double value = seconds ? milliseconds / 1000 : milliseconds;
    const int digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : value >= 0.9995 ? 2 : 3;
    return fmt::format("{:.{}f} {}", value, digits, seconds ? "s" : "ms");
}

std::string format_count(double count) {
    std::string digits = fmt::format("{:.0f}", std::abs(count));
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return (count < -0.5 ? "-" : "") + digits;
}

std::string format_change(std::optional<double> before, std::optional<double> after) {
    if (!before && !after)
        return "-";
    const auto side = [](std::optional<double> value) { return value ? format_count(*value) : std::string("?"); };
    return side(before) + " -> " + side(after);
}

std::string plural(long long count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", format_count(static_cast<double>(count)), count == 1 ? one : many);
}

} // namespace dbperf::client::terminal
