#include "queries/budget.h"

#include "base/error.h"
#include "base/spelling.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>

namespace dbperf::client::queries {
using namespace base;

namespace {

constexpr std::array<std::string_view, 7> metric_names = {"avg", "p95", "p99", "max", "rows", "blocks", "calls"};

// Milliseconds of a unit, 0 for an unknown one.
double milliseconds(std::string_view unit) {
    if (unit == "us")
        return 0.001;
    if (unit == "ms" || unit.empty())
        return 1;
    if (unit == "s")
        return 1000;
    return 0;
}

} // namespace

Budget parse_budget(std::string_view name, std::string_view limit, const std::string &where) {
    std::size_t known = 0;
    while (known < metric_names.size() && metric_names[known] != name)
        ++known;
    if (known == metric_names.size())
        throw usage_error(fmt::format("{}: unknown budget \"{}\"", where, name), [&] {
            std::string meant = did_you_mean(name, metric_names);
            return meant.empty() ? std::string("budgets are avg, p95, p99, max, rows, blocks and calls") : meant;
        }());
    const bool is_time = known < 4;
    const std::string text(limit);
    char *end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    const std::string_view unit(end);
    const double factor = is_time ? milliseconds(unit) : (unit.empty() ? 1 : 0);
    const double value = number * factor; // an unknown unit makes it 0, as does a number too small for any clock
    if (end == text.c_str() || !std::isfinite(value) || value <= 0)
        throw usage_error(fmt::format("{}: \"{}\" is not a budget for {}", where, limit, name),
                          is_time ? "write a time above 0 as 20ms, 0.5s or 800us" : "write a whole number above 0");
    return {std::string(name) + (is_time ? "_ms" : ""), value};
}

} // namespace dbperf::client::queries
