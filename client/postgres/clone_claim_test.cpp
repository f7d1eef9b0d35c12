#include "postgres/clone_claim.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string_view>

namespace dbperf::client::postgres {
namespace {

TEST(CloneClaim, NamesOfOthersAreNotTaken) {
    for (const char *name : {"dbperf_compare_", "dbperf_compare_0123456789ab_before", "dbperf_compare_before",
                             "dbperf_compare_zzzzzzzzzzzz_after", "dbperf_compare_0123456789ab", "postgres", ""})
        EXPECT_FALSE(is_claimed_name(name)) << name;
}

TEST(CloneClaim, OneCheckFollowsFromTheRandomPart) {
    for (const char *side : {"before", "after", "cycle", "production", "limited", "other"}) {
        int accepted = 0;
        for (int check = 0; check <= 0xFFFF; ++check)
            accepted += is_claimed_name(fmt::format("dbperf_compare_0123cdef{:04x}_{}", check, side)) ? 1 : 0;
        EXPECT_EQ(accepted, std::string_view(side) == "other" ? 0 : 1) << side;
    }
}

} // namespace
} // namespace dbperf::client::postgres
