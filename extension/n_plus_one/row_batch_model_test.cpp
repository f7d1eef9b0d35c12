// What batches of rows make of a statement's executions: which are one loop, and that each is reported once.
#include "n_plus_one/row_batch_model.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dbperf::n_plus_one {
namespace {

using namespace model;

TEST(repeated_lookup, every_list_is_a_loop_of_its_own) {
    for (const uint16_t size : {5, 8, 37, 100}) {
        Statement it;
        for (uint32_t page = 1; page <= 200; ++page)
            it.walk(rows(page, size), 0, size - 1u);
        it.end();
        EXPECT_EQ(it.loops(), Sizes(200, size));
        EXPECT_EQ(it.reported(), 200u * size);
    }
}

TEST(repeated_lookup, short_lists_after_very_many_executions_are_seen) {
    Statement it;
    for (uint64_t key = 0; key < 5000; ++key)
        it.execute(key);
    const size_t before = it.reports.size();
    for (uint32_t page = 1; page <= 50; ++page)
        it.walk(rows(page, 6), 0, 5);
    it.end();
    it.reports.erase(it.reports.begin(), it.reports.begin() + static_cast<std::ptrdiff_t>(before));
    EXPECT_EQ(it.loops(), Sizes(50, 6));
}

TEST(repeated_lookup, what_follows_a_proven_loop_is_not_reported_once_more) {
    Statement it;
    it.walk(rows(1, 10), 0, 9);
    it.walk(rows(2, 10), 0, 0);
    it.end();
    EXPECT_EQ(it.verdict(), Confidence::proven);
    EXPECT_EQ(it.loops(), Sizes{10});
}

TEST(repeated_lookup, other_keys_after_a_loop_are_not_its_rest) {
    Statement it;
    it.walk(rows(1, 10), 0, 9);
    for (uint64_t i = 0; i < 100; ++i)
        it.execute(50000 + i);
    it.walk(rows(2, 10), 0, 9);
    it.end();
    EXPECT_EQ(it.loops(), (Sizes{20, 10})) << "at least half of a loop's keys come from its parent";
}

TEST(repeated_lookup, lists_of_one_root_are_one_loop) {
    Statement it;
    for (uint32_t order = 11; order <= 20; ++order)
        it.walk(rows(order, 3, 10), 0, 2);
    it.end();
    EXPECT_EQ(it.loops(), Sizes{30});
    EXPECT_EQ(it.reports.back().distinct, 30u);
}

TEST(repeated_lookup, rows_returned_one_by_one_are_one_loop) {
    Statement it;
    for (uint32_t inserted = 11; inserted <= 20; ++inserted)
        it.execute(inserted, {rows(inserted, 1, 11)});
    it.end();
    EXPECT_EQ(it.verdict(), Confidence::proven);
    EXPECT_EQ(it.loops(), Sizes{10});
}

TEST(repeated_lookup, a_walk_along_a_list_is_its_own_parent) {
    Statement it;
    it.execute(1);
    for (uint32_t step = 1; step <= 12; ++step) {
        LookupOrigin before = rows(step, 1, 1);
        before.producer = it.lookup.statement;
        it.execute(1 + step, {before});
    }
    it.end();
    EXPECT_EQ(it.verdict(), Confidence::proven);
    EXPECT_EQ(it.loops(), Sizes{12}) << "the first look-up came from elsewhere";
}

TEST(repeated_lookup, an_older_list_of_the_same_values_is_ignored) {
    for (const uint32_t serial : {2u, 0xffffffffu, 1u}) {
        const uint32_t older = serial == 1 ? 0xffffffffu : serial - 1;
        Statement it;
        for (uint32_t i = 0; i < 10; ++i)
            it.execute(i, {row(rows(older, 10), i), row(rows(serial, 10), i), row(rows(older, 10), i)});
        EXPECT_EQ(it.lookup.edges[0].root, serial);
        EXPECT_EQ(it.lookup.edges[0].executions, 10u);
        it.end();
        EXPECT_EQ(it.loops(), Sizes{10});
    }
}

TEST(repeated_lookup, a_late_proof_reports_only_what_is_new) {
    Statement it;
    for (const uint32_t number : {9, 2, 7, 4, 0, 11})
        it.execute(number, {row(rows(1, 14), number)});
    it.end(); // as a flush does
    EXPECT_EQ(it.verdict(), Confidence::likely);
    for (const uint32_t number : {3, 8, 1, 5, 12, 6, 10})
        it.execute(number, {row(rows(1, 14), number)});
    it.end();
    EXPECT_EQ(it.verdict(), Confidence::proven);
    EXPECT_EQ(it.loops(), (Sizes{6, 7}));
}

TEST(repeated_lookup, a_proof_that_comes_too_late_leaves_the_verdict) {
    Statement it;
    for (const uint32_t number : {9, 2, 7, 4, 0, 11})
        it.execute(number, {row(rows(1, 14), number)});
    it.end();
    for (const uint32_t number : {3, 8})
        it.execute(number, {row(rows(1, 14), number)});
    it.end();
    EXPECT_EQ(it.verdict(), Confidence::likely);
    EXPECT_EQ(it.loops(), Sizes{8});
}

TEST(repeated_lookup, two_parents_do_not_share_executions) {
    Statement it;
    it.walk(rows(1, 20), 0, 19);
    LookupOrigin other = rows(2, 60);
    other.producer = 78;
    it.walk(other, 0, 59);
    it.end();
    EXPECT_EQ(it.lookup.edge_count, 2);
    EXPECT_EQ(it.reports.back().edge, 1);
    EXPECT_EQ(it.reported(), 80u);
}

TEST(repeated_lookup, of_too_many_columns_the_least_used_gives_way) {
    Statement it;
    it.walk(rows(1, 10), 0, 9);
    for (uint32_t producer = 101; producer <= 120; ++producer) {
        LookupOrigin other = rows(producer, 50);
        other.producer = producer;
        it.walk(other, 0, producer == 103 ? 3 : 0);
    }
    EXPECT_EQ(it.lookup.edge_count, RepeatedLookup::max_edges);
    const auto knows = [&it](uint64_t producer) {
        return std::any_of(it.lookup.edges.begin(), it.lookup.edges.end(),
                           [producer](const LookupEdge &edge) { return edge.producer == producer; });
    };
    EXPECT_TRUE(knows(77)) << "it was reported";
    EXPECT_TRUE(knows(103));
    EXPECT_TRUE(knows(120));
    EXPECT_FALSE(knows(102));
}

TEST(repeated_lookup, what_another_reports_is_left_out) {
    Statement it(UnitKind::pool, Relation::related);
    it.walk(rows(1, 30), 0, 9);
    it.lookup.skip_report();
    it.walk(rows(1, 30), 10, 29);
    it.end();
    EXPECT_EQ(it.loops(), Sizes{20});
}

} // namespace
} // namespace dbperf::n_plus_one
