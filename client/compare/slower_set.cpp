#include "compare/slower_set.h"

#include <algorithm>
#include <map>

namespace dbperf::client::compare {
namespace {

constexpr double times_slower = 2;
constexpr double time_agrees = 1.3;   // blocks alone may cost nothing
constexpr double fewest_blocks = 100; // more, on top of twice as many
constexpr double fewest_ms = 1;
constexpr std::size_t fewest_passes = 3;

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

double ratio(double after, double before) {
    return before > 0 ? after / before : 1;
}

struct SetTimes {
    std::vector<double> blocks_before, blocks_after, ms_before, ms_after;

    void add(const InterleavedPass &pass) {
        blocks_before.push_back(pass.before.blocks);
        blocks_after.push_back(pass.after.blocks);
        ms_before.push_back(pass.before.ms);
        ms_after.push_back(pass.after.ms);
    }
    double fastest_before() const { return *std::min_element(ms_before.begin(), ms_before.end()); }
    double fastest_after() const { return *std::min_element(ms_after.begin(), ms_after.end()); }
    double time_ratio() const { return ratio(fastest_after(), fastest_before()); }

    bool is_slower() const {
        const double before = median(blocks_before);
        const double after = median(blocks_after);
        if (after >= times_slower * before + fewest_blocks && time_ratio() >= time_agrees)
            return true;
        return ms_before.size() >= fewest_passes && fastest_after() >= fastest_before() + fewest_ms &&
               fastest_after() >= times_slower * *std::max_element(ms_before.begin(), ms_before.end());
    }
};

} // namespace

std::optional<SlowerSet> find_slower_set(const std::vector<InterleavedPass> &passes) {
    std::map<std::size_t, SetTimes> sets;
    for (const InterleavedPass &pass : passes)
        sets[pass.set].add(pass);
    if (sets.size() < 2)
        return std::nullopt;
    std::vector<double> ratios;
    for (const auto &[set, times] : sets)
        ratios.push_back(times.time_ratio());
    const double usual = median(ratios);
    SlowerSet worst;
    double worst_ratio = 0;
    for (const auto &[set, times] : sets) {
        if (!times.is_slower() || times.time_ratio() < times_slower * std::min(usual, 1.0))
            continue;
        ++worst.slower;
        if (times.time_ratio() <= worst_ratio)
            continue;
        worst_ratio = times.time_ratio();
        worst.set = set;
        worst.blocks_before = median(times.blocks_before);
        worst.blocks_after = median(times.blocks_after);
        worst.ms_before = times.fastest_before();
        worst.ms_after = times.fastest_after();
    }
    worst.measured = sets.size();
    // What most of them share is the query's own verdict.
    if (worst.slower == 0 || worst.slower * 2 > worst.measured)
        return std::nullopt;
    return worst;
}

} // namespace dbperf::client::compare
