// The rules one by one, then the rates that they promise: simulated machines with fixed seeds.
#include "timing/time_verdict.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "timing/holm.h"

using namespace dbperf::timing;

namespace {

TimeComparison compared(const std::vector<double> &before, const std::vector<double> &after, const TimeRules &rules) {
    std::vector<double> scratch(time_comparison_scratch(before.size(), after.size()));
    return compare_times(before, after, rules, scratch);
}

TimeVerdict judged(const std::vector<double> &before, const std::vector<double> &after, const TimeRules &rules) {
    return time_verdict(compared(before, after, rules), rules);
}

// `count` times around `middle`, none tied.
std::vector<double> around(double middle, int count, double spread = 0.01) {
    std::vector<double> times;
    for (int i = 0; i < count; ++i)
        times.push_back(middle * (1 + spread * (i * 7 % count - count / 2) / count));
    return times;
}

// A machine of CI: log-normal times (5 ms, spread 15 %), 3 % of them 3 to 10 times longer, a drift that forgets slowly
// (AR(1), 5 %), and a level of its own for each time it is booked (8 %).
class Machine {
public:
    explicit Machine(unsigned seed) : random_(seed) {}

    void book() { level_ = 0.08 * normal_(random_); }

    double measure(double factor) {
        drift_ = 0.9 * drift_ + 0.05 * std::sqrt(1 - 0.81) * normal_(random_);
        const double outlier = uniform_(random_) < 0.03 ? 3 + 7 * uniform_(random_) : 1;
        return 5 * factor * outlier * std::exp(level_ + drift_ + 0.15 * normal_(random_));
    }

private:
    std::mt19937_64 random_;
    std::normal_distribution<double> normal_;
    std::uniform_real_distribution<double> uniform_{0, 1};
    double level_ = 0, drift_ = 0;
};

struct Measured {
    std::vector<double> before, after;
};

// Both sides one after the other, on a machine booked anew.
Measured separately(Machine &machine, int samples, double factor) {
    Measured measured;
    machine.book();
    for (int i = 0; i < samples; ++i)
        measured.before.push_back(machine.measure(1));
    machine.book();
    for (int i = 0; i < samples; ++i)
        measured.after.push_back(machine.measure(factor));
    return measured;
}

// A B, B A, A B, ...
Measured alternately(Machine &machine, int samples, double factor) {
    Measured measured;
    machine.book();
    for (int i = 0; i < samples; ++i) {
        const double first = machine.measure(i % 2 ? factor : 1), second = machine.measure(i % 2 ? 1 : factor);
        measured.before.push_back(i % 2 ? second : first);
        measured.after.push_back(i % 2 ? first : second);
    }
    return measured;
}

// Each pair with its own parameters, which differ in their work; of A B B A the faster A and the faster B.
Measured in_blocks(Machine &machine, int samples, double factor) {
    Measured measured;
    machine.book();
    for (int i = 0; i < samples; ++i) {
        const double work = std::pow(10, i % 5 - 2);
        const double first = machine.measure(1), second = machine.measure(factor);
        const double third = machine.measure(factor), fourth = machine.measure(1);
        measured.before.push_back(work * std::min(first, fourth));
        measured.after.push_back(work * std::min(second, third));
    }
    return measured;
}

struct Rates {
    double worse = 0, better = 0;
};

using Protocol = Measured (*)(Machine &, int, double);

// Shares of the verdicts when `after` really takes `factor` times as long.
Rates simulate(const TimeRules &rules, Protocol protocol, int samples, double factor) {
    const int repetitions = 2000;
    Machine machine(20261122);
    Rates rates;
    for (int repetition = 0; repetition < repetitions; ++repetition) {
        const Measured measured = protocol(machine, samples, factor);
        const TimeVerdict verdict = judged(measured.before, measured.after, rules);
        rates.worse += verdict == TimeVerdict::worse;
        rates.better += verdict == TimeVerdict::better;
    }
    return {rates.worse / repetitions, rates.better / repetitions};
}

} // namespace

TEST(time_verdict, obvious_changes) {
    for (const TimeRules &rules : {separate_runs, interleaved_runs, interleaved_pairs}) {
        EXPECT_EQ(judged(around(10, 12), around(20, 12), rules), TimeVerdict::worse);
        EXPECT_EQ(judged(around(20, 12), around(10, 12), rules), TimeVerdict::better);
        EXPECT_EQ(judged(around(10, 12), around(10, 12), rules), TimeVerdict::equal);
        EXPECT_EQ(judged(around(10, 9), around(20, 12), rules), TimeVerdict::not_enough_samples);
    }
}

TEST(time_verdict, measures_are_given_with_it) {
    const TimeComparison comparison = compared(around(10, 11), around(25, 13), separate_runs);
    EXPECT_EQ(comparison.samples, 11u);
    EXPECT_NEAR(comparison.before, 10, 0.1);
    EXPECT_NEAR(comparison.after, 25, 0.1);
    EXPECT_NEAR(comparison.ratio.ratio, 2.5, 0.02);
    EXPECT_GT(comparison.ratio.low, 2.4);
    EXPECT_LT(comparison.ratio.high, 2.6);
    EXPECT_LT(comparison.p, 1e-5);
}

// Proven, but not relevant: 15 % slower without any noise.
TEST(time_verdict, small_changes_are_equal) {
    for (const TimeRules &rules : {separate_runs, interleaved_runs, interleaved_pairs}) {
        EXPECT_EQ(judged(around(10, 20), around(11.5, 20), rules), TimeVerdict::equal);
        EXPECT_EQ(judged(around(11.5, 20), around(10, 20), rules), TimeVerdict::equal);
    }
}

// 25 % slower with 30 % of spread: enough to be seen side by side, not enough to rule out 20 %.
TEST(time_verdict, separate_runs_must_exclude_the_relevant_ratio) {
    const std::vector<double> before = around(10, 41, 0.3), after = around(12.5, 41, 0.3);
    EXPECT_EQ(judged(before, after, interleaved_runs), TimeVerdict::worse);
    EXPECT_EQ(judged(before, after, separate_runs), TimeVerdict::unclear);
    EXPECT_GT(compared(before, after, separate_runs).p, 0.01);
    EXPECT_LT(compared(before, after, interleaved_runs).p, 0.01);
}

// The p is that of the interval's own test: both cross the same line.
TEST(time_verdict, p_and_interval_agree) {
    constexpr TimeRules separate_pairs{.paired = true};
    Machine machine(8);
    int proven = 0, both = 0;
    for (int i = 0; i < 300; ++i) {
        const double factor = 1 + i * 0.004;
        const Measured measured = alternately(machine, 12, i % 2 ? factor : 1 / factor);
        for (const TimeRules &rules : {separate_runs, interleaved_runs, interleaved_pairs, separate_pairs}) {
            const TimeComparison comparison = compared(measured.before, measured.after, rules);
            const bool excluded =
                comparison.ratio.low > rules.proven_ratio || comparison.ratio.high < 1 / rules.proven_ratio;
            proven += excluded;
            both += excluded == (comparison.p <= 0.01);
        }
    }
    EXPECT_EQ(both, 1200);
    EXPECT_GT(proven, 100);
    EXPECT_LT(proven, 1100);
}

TEST(time_verdict, below_the_minimum_difference_nothing_matters) {
    EXPECT_EQ(judged(around(0.1, 20), around(0.3, 20), separate_runs), TimeVerdict::equal);
    EXPECT_EQ(judged(around(0.1, 20), around(0.3, 20), interleaved_runs), TimeVerdict::worse);
}

// Parameter sets from 1 to 10,000 ms: unpaired, the spread hides everything.
TEST(time_verdict, pairs_cancel_the_skew_of_parameters) {
    Measured measured;
    for (int i = 0; i < 20; ++i) {
        measured.before.push_back(std::pow(10, i % 5) * (1 + 0.001 * i));
        measured.after.push_back(std::pow(10, i % 5) * 1.5 * (1 - 0.002 * i));
    }
    EXPECT_EQ(judged(measured.before, measured.after, interleaved_pairs), TimeVerdict::worse);
    EXPECT_EQ(judged(measured.before, measured.after, interleaved_runs), TimeVerdict::unclear);
    measured.after.pop_back();
    EXPECT_EQ(judged(measured.before, measured.after, interleaved_pairs), TimeVerdict::not_enough_samples);
}

TEST(time_verdict, adjusted_p_can_clear_a_query) {
    TimeComparison comparison = compared(around(10, 12), around(20, 12), interleaved_runs);
    EXPECT_EQ(time_verdict(comparison, interleaved_runs), TimeVerdict::worse);
    comparison.p = 0.02;
    EXPECT_EQ(time_verdict(comparison, interleaved_runs), TimeVerdict::unclear);
}

TEST(time_verdict, never_contradicts_the_interval) {
    TimeComparison comparison{
        .samples = 20, .before = 10, .after = 13, .ratio = {1.3, 1.19, 1.5, true}, .p = 0, .valid = true};
    EXPECT_EQ(time_verdict(comparison, separate_runs), TimeVerdict::unclear);
    comparison.ratio.low = 1.21;
    EXPECT_EQ(time_verdict(comparison, separate_runs), TimeVerdict::worse);
    comparison.ratio = {1 / 1.3, 1 / 1.5, 1 / 1.19, true};
    EXPECT_EQ(time_verdict(comparison, separate_runs), TimeVerdict::unclear);
    comparison.ratio.high = 1 / 1.21;
    EXPECT_EQ(time_verdict(comparison, separate_runs), TimeVerdict::better);
}

TEST(time_verdict, nonsense_is_not_enough) {
    std::vector<double> times = around(10, 12);
    times[3] = 0;
    EXPECT_EQ(judged(times, around(20, 12), separate_runs), TimeVerdict::not_enough_samples);
    EXPECT_EQ(judged({}, {}, interleaved_pairs), TimeVerdict::not_enough_samples);
    EXPECT_TRUE(std::isnan(compared(times, times, separate_runs).p)) << "does not count for adjust_holm";
    EXPECT_TRUE(std::isnan(compared(around(10, 9), around(10, 9), separate_runs).p));
}

// Both kinds of false alarm together, of 2,000 comparisons without a change.
TEST(time_verdict, false_alarms_are_rare) {
    for (const int samples : {10, 30}) {
        const Rates separate = simulate(separate_runs, separately, samples, 1);
        EXPECT_LE(separate.worse + separate.better, 0.02) << samples;
        const Rates interleaved = simulate(interleaved_runs, alternately, samples, 1);
        EXPECT_LE(interleaved.worse + interleaved.better, 0.005) << samples;
        const Rates pairs = simulate(interleaved_pairs, alternately, samples, 1);
        EXPECT_LE(pairs.worse + pairs.better, 0.005) << samples;
        const Rates blocks = simulate(interleaved_pairs, in_blocks, samples, 1);
        EXPECT_LE(blocks.worse + blocks.better, 0.002) << samples;
    }
}

TEST(time_verdict, twice_as_slow_is_found_with_15_samples) {
    EXPECT_GE(simulate(separate_runs, separately, 15, 2).worse, 0.97);
    EXPECT_GE(simulate(interleaved_runs, alternately, 15, 2).worse, 0.99);
    EXPECT_GE(simulate(interleaved_pairs, alternately, 15, 2).worse, 0.92);
    EXPECT_GE(simulate(interleaved_pairs, in_blocks, 15, 2).worse, 0.99);
    EXPECT_GE(simulate(interleaved_pairs, in_blocks, 15, 0.5).better, 0.99);
}

TEST(time_verdict, a_third_slower_is_found_with_20_samples_side_by_side) {
    EXPECT_GE(simulate(interleaved_runs, alternately, 20, 1.3).worse, 0.9);
    EXPECT_GE(simulate(interleaved_pairs, in_blocks, 20, 1.3).worse, 0.95);
}

// 40 queries a time, 100 times: of the 100 reports without a change, one may be wrong.
TEST(time_verdict, many_queries_alarm_no_more_than_one) {
    Machine machine(40);
    int wrong_reports = 0, wrong_verdicts = 0;
    for (int report = 0; report < 100; ++report) {
        std::vector<TimeComparison> comparisons;
        std::vector<double> p, scratch(holm_scratch(40));
        for (int query = 0; query < 40; ++query) {
            const Measured measured = alternately(machine, 10, 1);
            comparisons.push_back(compared(measured.before, measured.after, interleaved_pairs));
            p.push_back(comparisons.back().p);
            const TimeVerdict alone = time_verdict(comparisons.back(), interleaved_pairs);
            wrong_verdicts += alone == TimeVerdict::worse || alone == TimeVerdict::better;
        }
        ASSERT_TRUE(adjust_holm(p, scratch));
        bool wrong = false;
        for (size_t query = 0; query < comparisons.size(); ++query) {
            comparisons[query].p = p[query];
            const TimeVerdict verdict = time_verdict(comparisons[query], interleaved_pairs);
            wrong = wrong || verdict == TimeVerdict::worse || verdict == TimeVerdict::better;
        }
        wrong_reports += wrong;
    }
    EXPECT_LE(wrong_reports, 1);
    EXPECT_GT(wrong_verdicts, wrong_reports) << "the adjustment must be what does it";
}
