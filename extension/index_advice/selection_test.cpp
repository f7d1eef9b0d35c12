#include "index_advice/selection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace dbperf::index_advice::selection {
namespace {

// A table of costs: of each statement the cost with each candidate alone; with several the least.
struct Table {
    std::vector<Candidate> candidates;
    std::vector<double> without;
    std::vector<std::vector<double>> with; // of each statement
    std::vector<std::pair<uint32_t, uint32_t>> orders{};
    std::vector<std::vector<uint32_t>> groups{};
    bool only_together = false; // of a statement with two candidates both are needed

    double cost(size_t statement, std::span<const uint32_t> chosen) const {
        double least = without[statement];
        if (only_together && chosen.size() < 2)
            return least;
        for (const uint32_t each : chosen)
            least = std::min(least, with[statement][each]);
        return least;
    }
};

double table_cost(void *context, size_t statement, std::span<const uint32_t> chosen) {
    return static_cast<const Table *>(context)->cost(statement, chosen);
}
bool table_may_use(void *context, size_t statement, uint32_t candidate) {
    const auto *table = static_cast<const Table *>(context);
    return table->with[statement][candidate] < table->without[statement];
}

bool table_orders(void *context, uint32_t wide, uint32_t narrow) {
    const auto &all = static_cast<const Table *>(context)->orders;
    return std::find(all.begin(), all.end(), std::pair(wide, narrow)) != all.end();
}

std::vector<uint32_t> chosen_of(Table &table, size_t most = 100, double bytes = -1) {
    const size_t count = table.candidates.size();
    std::vector<uint32_t> chosen(count), trial(count + 1), kept(count);
    std::vector<double> gain(count), now(table.without.size());
    const std::unique_ptr<bool[]> fresh(new bool[count + 1]());
    const std::vector<std::span<const uint32_t>> groups(table.groups.begin(), table.groups.end());
    const Problem problem{
        table.candidates, table.without.size(), table_cost, table_may_use, table_orders, groups, &table, most, bytes};
    const Memory memory{chosen, trial, gain, {fresh.get(), count}, now, kept};
    chosen.resize(choose(problem, memory));
    std::sort(chosen.begin(), chosen.end());
    return chosen;
}

double left_of(const Table &table, const std::vector<uint32_t> &chosen) {
    double left = 0;
    for (size_t i = 0; i < table.without.size(); ++i)
        left += table.cost(i, chosen);
    for (const uint32_t each : chosen)
        left += table.candidates[each].write_ms;
    return left;
}

TEST(Selection, OneIndexForTwoStatementsRatherThanTwo) {
    Table table{{{0, 100, 0, false}, {0, 120, 0, false}}, {100, 100}, {{1, 1.01}, {100, 1}}, {}};
    EXPECT_EQ(chosen_of(table), std::vector<uint32_t>{1});
}

TEST(Selection, NothingWhereWritesPayMore) {
    Table table{{{0, 100, 60, false}}, {100}, {{50}}, {}};
    EXPECT_TRUE(chosen_of(table).empty());
}

TEST(Selection, NothingForLessThanAFifthOfAStatement) {
    Table table{{{0, 100, 0, false}}, {100}, {{85}}, {}};
    EXPECT_TRUE(chosen_of(table).empty());
}

TEST(Selection, TheSmallerOneThatIsAsGood) {
    Table table{{{0, 100, 0, false}, {0, 300, 0, false}}, {100}, {{1.04, 1}}, {}};
    EXPECT_EQ(chosen_of(table), std::vector<uint32_t>{0});
}

TEST(Selection, AnOrderWhereNothingIsLostByIt) {
    Table table{
        {{0, 100, 0, false}, {0, 300, 0, false}, {0, 200, 30, false}}, {100}, {{1, 1, 1, false}}, {{1, 0}, {2, 0}}};
    EXPECT_EQ(chosen_of(table), std::vector<uint32_t>{1});
}

TEST(Selection, TheSmallPartOfAnIndexThatIsNearlyAsGood) {
    Table table{{{0, 1000, 0, false}, {0, 10, 0, true}}, {1000}, {{9, 12}}, {}};
    EXPECT_EQ(chosen_of(table), std::vector<uint32_t>{1});
    table.with = {{9, 19}};
    EXPECT_EQ(chosen_of(table), std::vector<uint32_t>{0});
}

TEST(Selection, TwoThatHelpTogetherOnly) {
    Table table{{{0, 100, 0, false}, {0, 100, 0, false}}, {100}, {{5, 5}}, {}, {}, true};
    EXPECT_TRUE(chosen_of(table).empty());
    table.groups = {{0, 1}};
    EXPECT_EQ(chosen_of(table), (std::vector<uint32_t>{0, 1}));
    EXPECT_TRUE(chosen_of(table, 1).empty());
    EXPECT_TRUE(chosen_of(table, 2, 150).empty());
}

TEST(Selection, NoMoreThanAskedFor) {
    Table table{{{0, 100, 0, false}, {1, 100, 0, false}}, {100, 50}, {{1, 100}, {50, 1}}, {}};
    EXPECT_EQ(chosen_of(table), (std::vector<uint32_t>{0, 1}));
    EXPECT_EQ(chosen_of(table, 1), std::vector<uint32_t>{0});
}

TEST(Selection, SmallOnesWhereSizeBinds) {
    Table table{{{0, 100, 0, false}, {1, 50, 0, false}, {2, 50, 0, false}},
                {100, 90, 90},
                {{1, 100, 100, false}, {90, 1, 90}, {90, 90, 1}},
                {}};
    EXPECT_EQ(chosen_of(table, 100, 100), (std::vector<uint32_t>{1, 2}));
    EXPECT_EQ(chosen_of(table, 100, 99), std::vector<uint32_t>{1});
    EXPECT_TRUE(chosen_of(table, 100, 10).empty());
}

TEST(Selection, NearTheBestOfAllSetsOnRandomTables) {
    std::mt19937 random(7);
    std::uniform_real_distribution<double> part(0, 1);
    for (int round = 0; round < 200; ++round) {
        Table table;
        for (uint32_t i = 0; i < 8; ++i)
            table.candidates.push_back({i % 3, 50 + 100 * part(random), 5 * part(random), false});
        for (int i = 0; i < 10; ++i) {
            table.without.push_back(20 + 100 * part(random));
            table.with.emplace_back();
            for (int k = 0; k < 8; ++k)
                table.with.back().push_back(part(random) < 0.4 ? table.without.back() * part(random)
                                                               : table.without.back());
        }
        double best = left_of(table, {});
        for (uint32_t set = 0; set < 256; ++set) {
            std::vector<uint32_t> all;
            for (uint32_t i = 0; i < 8; ++i)
                if (set >> i & 1)
                    all.push_back(i);
            best = std::min(best, left_of(table, all));
        }
        double total = 0;
        for (const double each : table.without)
            total += each;
        // A set may lose a hundredth of the workload for every index that it does without.
        EXPECT_LE(left_of(table, chosen_of(table)), best + 0.08 * total) << round;
    }
}

} // namespace
} // namespace dbperf::index_advice::selection
