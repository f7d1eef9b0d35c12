// A constant list comes again; a chunk of a batch does not.
#include "lookups/list_history.h"

#include <gtest/gtest.h>

using dbperf::lookups::ListHistory;

TEST(list_history, a_constant_list_is_one_from_the_first_execution) {
    ListHistory history{};
    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(history.is_constant(5)) << i;
}

TEST(list_history, chunks_of_a_batch_are_none_after_the_first) {
    ListHistory history{};
    EXPECT_TRUE(history.is_constant(1));
    for (uint64_t chunk = 2; chunk < 50; ++chunk)
        EXPECT_FALSE(history.is_constant(chunk)) << chunk;
}

TEST(list_history, a_loop_after_a_loop_counts_from_its_first_execution) {
    ListHistory history{};
    for (const uint64_t list : {1, 1, 1, 2, 2, 2, 3, 3})
        EXPECT_TRUE(history.is_constant(list)) << list;
}

TEST(list_history, lists_that_take_turns_are_constants_once_known) {
    ListHistory history{};
    int known = 0;
    for (int round = 0; round < 10; ++round)
        for (uint64_t list = 1; list <= ListHistory::capacity; ++list)
            known += history.is_constant(list);
    EXPECT_EQ(known, 10 * static_cast<int>(ListHistory::capacity) - (static_cast<int>(ListHistory::capacity) - 1));
}

TEST(list_history, a_batch_does_not_hide_the_loop_after_it) {
    ListHistory history{};
    for (uint64_t chunk = 1; chunk < 20; ++chunk)
        history.is_constant(chunk);
    EXPECT_FALSE(history.is_constant(100)); // may be one more chunk
    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(history.is_constant(100));
}
