// The rates of right and wrong verdicts of the whole procedure of dbperf compare: pairs measured in turns while another
// process loads a core at random, up to three looks, of which one that says "equal" is the last, Holm.
#include "timing/busy_machine_model.h"

#include <gtest/gtest.h>

#include "timing/holm.h"
#include "timing/time_verdict.h"

using namespace dbperf::timing;

namespace {

constexpr TimeRules paired_rules{.paired = true, .proven_ratio = 1, .minimum_difference = 0.01};

TimeComparison compared(const PairedTimes &pairs, const TimeRules &by) {
    std::vector<double> scratch(time_comparison_scratch(pairs.before.size(), pairs.after.size()));
    return compare_times(pairs.before, pairs.after, by, scratch);
}

// Of one comparison: five queries, the last one slower by the factor.
std::vector<TimeVerdict> compare(BusyMachine &machine, double factor) {
    std::vector<TimeComparison> found;
    std::vector<double> p, scratch(holm_scratch(5));
    for (const double ms : {0.01, 0.1, 0.3, 5.0, 1.0}) {
        // Two copies never lie in memory in the same way, as long as they exist.
        const double copies = std::exp(0.03 * machine.normal());
        const double real = copies * (found.size() == 4 ? factor : 1);
        PairedTimes pairs;
        for (const int passes : {look_passes / 2, look_passes / 2, look_passes}) {
            measure_in_turns(machine, ms, real, pairs, passes);
            if (time_verdict(compared(pairs, paired_rules), paired_rules) == TimeVerdict::equal)
                break;
        }
        found.push_back(compared(pairs, paired_rules));
        p.push_back(found.back().p);
    }
    adjust_holm(p, scratch);
    std::vector<TimeVerdict> verdicts;
    for (size_t i = 0; i < found.size(); ++i) {
        found[i].p = p[i];
        verdicts.push_back(time_verdict(found[i], paired_rules));
    }
    return verdicts;
}

bool is_change(TimeVerdict verdict) {
    return verdict == TimeVerdict::worse || verdict == TimeVerdict::better;
}

} // namespace

// The bar is 1 wrong verdict in 250. One round of A B B A a pass would make it 4 here.
TEST(busy_machine_model, nothing_changed_and_nothing_is_reported) {
    BusyMachine machine(20261122);
    int wrong = 0;
    for (int repetition = 0; repetition < 500; ++repetition)
        for (const TimeVerdict verdict : compare(machine, 1))
            wrong += is_change(verdict);
    EXPECT_LE(wrong, 2) << "of 2500";
}

// The bars are 45 and 50 of 50. Of 200, one round a pass finds 174, and judging the second look alone 151.
TEST(busy_machine_model, slower_queries_are_found_and_no_other) {
    BusyMachine machine(20261122);
    for (const auto &[factor, share] : {std::pair(1.3, 0.9), std::pair(2.0, 1.0)}) {
        int right = 0, wrong = 0;
        for (int repetition = 0; repetition < 200; ++repetition) {
            const std::vector<TimeVerdict> verdicts = compare(machine, factor);
            right += verdicts.back() == TimeVerdict::worse;
            wrong += static_cast<int>(std::count_if(verdicts.begin(), verdicts.end() - 1, is_change));
        }
        EXPECT_GE(right, share * 200) << factor;
        EXPECT_LE(wrong, 2) << factor;
    }
}

// Looking twice does not add to the level of the test as long as the first look can only clear a query. Looking twice
// and alarming at either would.
TEST(busy_machine_model, the_second_look_spends_nothing) {
    constexpr TimeRules any_change{
        .paired = true, .minimum_ratio = 1, .proven_ratio = 1, .minimum_difference = 0, .confidence = 0.95};
    std::mt19937_64 random(7);
    std::normal_distribution<double> normal;
    const int repetitions = 4000;
    int honest = 0, either = 0;
    for (int repetition = 0; repetition < repetitions; ++repetition) {
        PairedTimes pairs;
        const auto look = [&] {
            for (int i = 0; i < look_passes; ++i) {
                pairs.before.push_back(std::exp(0.15 * normal(random)));
                pairs.after.push_back(std::exp(0.15 * normal(random)));
            }
            return is_change(time_verdict(compared(pairs, any_change), any_change));
        };
        const bool first = look();
        const bool cleared = time_verdict(compared(pairs, paired_rules), paired_rules) == TimeVerdict::equal;
        const bool second = look();
        honest += !cleared && second;
        either += first || second;
    }
    EXPECT_LE(honest, repetitions * 0.05 + 3 * std::sqrt(repetitions * 0.05 * 0.95));
    EXPECT_GT(either, repetitions * 0.06);
}
