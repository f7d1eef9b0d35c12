// Samples of any numbers: every probability is one, every interval holds its estimate, every order statistic is that of
// the pairs when they are written down.
#include "timing/time_verdict.h"

#include <fuzz/target.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "timing/holm.h"
#include "timing/normal_distribution.h"
#include "timing/pairwise.h"
#include "timing/signed_rank.h"

using namespace dbperf::timing;

namespace {

using Sample = std::vector<double>;

// Few different ones, or any bits.
double number_of(fuzz::Input &input, bool any) {
    return any ? input.number<double>() : static_cast<double>(1 + input.below(40)) / 8;
}

Sample sample_of(fuzz::Input &input, size_t most) {
    const bool any = input.below(4) == 0;
    Sample sample(input.below(static_cast<uint32_t>(most)));
    for (double &value : sample)
        value = number_of(input, any);
    return sample;
}

bool is_probability(double p) {
    return p >= 0 && p <= 1;
}

template <typename Test>
void check_test(const Test &test) {
    FUZZ_CHECK(is_probability(test.p_less) && is_probability(test.p_greater) && is_probability(test.p_two_sided));
    FUZZ_CHECK(!test.valid || test.p_less + test.p_greater >= 1 - 1e-9);
}

void check_pairs(Sample first, Sample second, size_t k) {
    const auto finite = [](double value) { return std::fabs(value) <= 1e150; };
    if (first.empty() || second.empty() || !std::all_of(first.begin(), first.end(), finite) ||
        !std::all_of(second.begin(), second.end(), finite))
        return;
    std::sort(first.begin(), first.end());
    std::sort(second.begin(), second.end());
    Sample differences, averages;
    for (size_t i = 0; i < first.size(); ++i) {
        for (const double other : second)
            differences.push_back(first[i] - other);
        for (size_t j = i; j < first.size(); ++j)
            averages.push_back((first[i] + first[j]) / 2);
    }
    std::sort(differences.begin(), differences.end());
    std::sort(averages.begin(), averages.end());
    FUZZ_CHECK(kth_difference(first, second, k % differences.size() + 1) == differences[k % differences.size()]);
    FUZZ_CHECK(kth_walsh_average(first, k % averages.size() + 1) == averages[k % averages.size()]);
}

void check_verdict(const Sample &before, const Sample &after, TimeRules rules) {
    Sample scratch(time_comparison_scratch(before.size(), after.size()));
    const TimeComparison found = compare_times(before, after, rules, scratch);
    const TimeVerdict verdict = time_verdict(found, rules);
    if (!found.valid) {
        FUZZ_CHECK(verdict == TimeVerdict::not_enough_samples);
        return;
    }
    FUZZ_CHECK(std::isnan(found.p) || is_probability(found.p));
    FUZZ_CHECK(found.ratio.low <= found.ratio.ratio && found.ratio.ratio <= found.ratio.high);
    FUZZ_CHECK(found.before > 0 && found.after > 0);
    if (before == after && rules.paired)
        FUZZ_CHECK(verdict != TimeVerdict::worse && verdict != TimeVerdict::better);
    // The other way round it is the other verdict, unless a rounding decides.
    const TimeComparison back = compare_times(after, before, rules, scratch);
    const TimeVerdict turned = time_verdict(back, rules);
    const auto border = [&](double ratio, double limit) {
        return std::fabs(std::log(ratio) - std::log(limit)) < 1e-9 ||
               std::fabs(std::log(ratio) + std::log(limit)) < 1e-9;
    };
    const bool rounds = border(found.ratio.ratio, rules.minimum_ratio) || border(found.ratio.low, rules.proven_ratio) ||
                        border(found.ratio.high, rules.proven_ratio) ||
                        std::fabs(found.p - (1 - rules.confidence)) < 1e-9;
    const auto changed = [](TimeVerdict each) { return each == TimeVerdict::worse || each == TimeVerdict::better; };
    FUZZ_CHECK_SHOWN(rounds || (changed(verdict) ? changed(turned) && turned != verdict : !changed(turned)),
                     std::to_string(found.ratio.ratio) + " " + std::to_string(back.ratio.ratio) + ", p " +
                         std::to_string(found.p) + " " + std::to_string(back.p));
}

} // namespace

FUZZ_PART(time_verdict) {
    const bool paired = input.flag();
    const size_t k = input.number<uint16_t>();
    const Sample first = sample_of(input, 50);
    Sample second = sample_of(input, 50);
    if (paired)
        second.resize(first.size(), 1);
    check_pairs(first, second, k);
    Sample scratch(rank_sum_scratch(first.size(), second.size()) + signed_rank_scratch(first.size()));
    check_test(rank_sum_test(first, second, scratch));
    check_test(signed_rank_test(first, static_cast<double>(k) / 8, scratch));
    const double tail = static_cast<double>(k) / 65536;
    FUZZ_CHECK(rank_sum_bound(first.size(), second.size(), tail / 2, scratch) <= first.size() * second.size() / 2 + 1);
    FUZZ_CHECK(signed_rank_bound(first.size(), tail / 2, scratch) <= first.size() * (first.size() + 1) / 4 + 1);
    for (TimeRules rules : {separate_runs, paired ? interleaved_pairs : interleaved_runs}) {
        rules.confidence = 0.5 + tail / 2;
        rules.minimum_samples = 1 + k % 12;
        check_verdict(first, second, rules);
    }
}

FUZZ_PART(holm) {
    Sample p;
    while (input.left() > 0 && p.size() < 100)
        p.push_back(input.flag() ? input.number<double>() : input.byte() / 200.0);
    Sample adjusted = p, scratch(holm_scratch(p.size()));
    FUZZ_CHECK(adjust_holm(adjusted, scratch));
    for (size_t i = 0; i < p.size(); ++i) {
        if (!is_probability(p[i])) {
            FUZZ_CHECK(std::memcmp(&p[i], &adjusted[i], sizeof(double)) == 0);
            continue;
        }
        FUZZ_CHECK(is_probability(adjusted[i]) && adjusted[i] >= p[i]);
        FUZZ_CHECK(adjusted[i] <= static_cast<double>(p.size()) * p[i] || adjusted[i] <= 1);
        for (size_t k = 0; k < i; ++k)
            if (is_probability(p[k]))
                FUZZ_CHECK((p[k] == p[i]) <= (adjusted[k] == adjusted[i]) &&
                           (p[k] < p[i]) <= (adjusted[k] <= adjusted[i]));
    }
    if (!p.empty()) {
        const double quantile = normal_quantile(p[0]);
        FUZZ_CHECK(std::isnan(p[0]) || (quantile >= -40 && quantile <= 40));
    }
}
