#include "reports/deadlock_story.h"

#include <gtest/gtest.h>

namespace dbperf::client::reports {
namespace {

TEST(CycleSteps, HoldsAndRequests) {
    const auto steps = parse_cycle_steps(
        R"json([{"member": 1, "step": 1, "statement": 1, "query": "UPDATE a", "target": "a (id=1)", "mode": "FOR NO KEY UPDATE",
             "role": "holds", "waits": true, "given_back": false},
            {"member": 1, "step": 2, "statement": 2, "query": null, "target": "a (id=2)", "mode": null,
             "role": "requests", "waits": true, "given_back": false}])json");
    ASSERT_EQ(steps.size(), 2u);
    EXPECT_EQ(steps[0].lock, "a (id=1)");
    EXPECT_TRUE(steps[0].holds && !steps[0].waits);
    EXPECT_TRUE(steps[1].waits && !steps[1].holds);
    EXPECT_EQ(steps[1].number, 2);
    EXPECT_EQ(steps[1].query, "");
}

TEST(CycleSteps, NothingOfWhatIsNone) {
    EXPECT_TRUE(parse_cycle_steps("").empty());
    EXPECT_TRUE(parse_cycle_steps("{}").empty());
    EXPECT_TRUE(parse_cycle_steps("[1, null]").empty());
}

} // namespace
} // namespace dbperf::client::reports
