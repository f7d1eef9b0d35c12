#include "base/spelling.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace dbperf::client::base {
namespace {

// Levenshtein distance.
std::size_t edit_distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= from.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[to.size()];
}

} // namespace

std::string did_you_mean(std::string_view typed, std::span<const std::string_view> known) {
    std::string_view nearest;
    std::size_t nearest_distance = std::max<std::size_t>(2, typed.size() / 3) + 1;
    for (const std::string_view word : known) {
        const std::size_t distance = edit_distance(typed, word);
        if (distance < nearest_distance) {
            nearest_distance = distance;
            nearest = word;
        }
    }
    return nearest.empty() ? std::string() : "did you mean \"" + std::string(nearest) + "\"?";
}

} // namespace dbperf::client::base
