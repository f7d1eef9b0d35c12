#include "postgres/clone_claim.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace dbperf::client::postgres {
namespace {

TEST(CloneClaim, NamesOfOthersAreNotTaken) {
    for (const char *name : {"dbperf_compare_", "dbperf_compare_0123456789ab_before", "dbperf_compare_before",
                             "dbperf_compare_zzzzzzzzzzzz_after", "dbperf_compare_0123456789ab", "postgres", ""})
        EXPECT_FALSE(is_claimed_name(name)) << name;
}

TEST(CloneClaim, OneCheckFollowsFromTheRandomPart) {
    int accepted = 0;
    for (int check = 0; check <= 0xFFFF; ++check)
        accepted += is_claimed_name(fmt::format("dbperf_compare_0123cdef{:04x}_before", check)) ? 1 : 0;
    EXPECT_EQ(accepted, 1);
}

} // namespace
} // namespace dbperf::client::postgres
