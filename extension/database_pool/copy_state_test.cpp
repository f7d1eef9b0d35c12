// The usual life, and what must never happen, over all states and events.
#include "database_pool/copy_state.h"

#include <gtest/gtest.h>

#include <initializer_list>

using namespace dbperf::database_pool;

namespace {

constexpr int states = static_cast<int>(CopyState::kept) + 1;
constexpr int events = static_cast<int>(CopyEvent::withheld) + 1;

CopyState after(std::initializer_list<CopyEvent> list) {
    CopyState state = CopyState::free;
    for (const CopyEvent event : list)
        EXPECT_TRUE(advance(&state, event));
    return state;
}

} // namespace

TEST(copy_state, is_leased_again_after_it_was_put_back) {
    using enum CopyEvent;
    EXPECT_EQ(after({wanted, made, acquired, ended, taken, put_back, acquired}), CopyState::leased);
    EXPECT_EQ(after({wanted, made, acquired, ended, taken, still_used, taken, unusable, dropped}), CopyState::free);
}

TEST(copy_state, only_what_equals_its_template_is_handed_out) {
    for (int from = 0; from < states; ++from)
        for (int event = 0; event < events; ++event) {
            CopyState state = static_cast<CopyState>(from);
            if (!advance(&state, static_cast<CopyEvent>(event))) {
                EXPECT_EQ(state, static_cast<CopyState>(from));
            } else if (state == CopyState::ready) {
                EXPECT_TRUE(static_cast<CopyEvent>(event) == CopyEvent::made ||
                            static_cast<CopyEvent>(event) == CopyEvent::put_back);
            } else if (state == CopyState::leased) {
                EXPECT_EQ(static_cast<CopyState>(from), CopyState::ready);
            } else if (state == CopyState::free) {
                EXPECT_EQ(static_cast<CopyState>(from), CopyState::dropping);
            }
        }
}

TEST(copy_state, what_is_to_be_dropped_stays_so) {
    for (int event = 0; event < events; ++event) {
        CopyState state = CopyState::dropping;
        EXPECT_EQ(advance(&state, static_cast<CopyEvent>(event)), static_cast<CopyEvent>(event) == CopyEvent::dropped);
    }
}

TEST(copy_state, what_is_kept_is_dropped_and_nothing_else) {
    using enum CopyEvent;
    EXPECT_EQ(after({wanted, made, acquired, withheld}), CopyState::kept);
    EXPECT_EQ(after({wanted, made, acquired, withheld, unusable, dropped}), CopyState::free);
    for (int event = 0; event < events; ++event) {
        CopyState state = CopyState::kept;
        EXPECT_EQ(advance(&state, static_cast<CopyEvent>(event)), static_cast<CopyEvent>(event) == unusable);
    }
}

TEST(copy_state, has_a_name) {
    EXPECT_EQ(name_of(CopyState::free), "free");
    EXPECT_EQ(name_of(CopyState::dropping), "dropping");
    EXPECT_EQ(name_of(CopyState::kept), "kept");
}
