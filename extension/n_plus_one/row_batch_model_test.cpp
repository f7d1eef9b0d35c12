// What batches of rows make of a statement's executions: which are one loop, and that each is reported once.
#include "n_plus_one/row_batch_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

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

TEST(repeated_lookup, a_batch_that_is_over_is_reported_exactly) {
    const Sizes sizes = {53, 17, 100, 300, 5};
    Statement it;
    uint32_t batch = 0;
    for (const uint64_t size : sizes) {
        EXPECT_EQ(it.loops(), Sizes(sizes.begin(), sizes.begin() + std::max(0, static_cast<int>(batch) - 1)));
        ++batch;
        it.walk(rows(batch, static_cast<uint16_t>(size)), 0, static_cast<uint32_t>(size) - 1);
    }
    EXPECT_EQ(it.reports.size(), 4u) << "one that goes on is not reported";
    EXPECT_EQ(it.judged(), Confidence::proven);
    it.end();
    EXPECT_EQ(it.loops(), sizes);
    ASSERT_EQ(it.reports.size(), 5u) << "each at once";
    for (size_t i = 0; i < 5; ++i) {
        EXPECT_TRUE(it.reports[i].is_first);
        EXPECT_EQ(it.reports[i].growth.calls, sizes[i]);
        EXPECT_EQ(it.reports[i].distinct, sizes[i]);
        EXPECT_EQ(it.reports[i].confidence, Confidence::proven);
    }
}

TEST(repeated_lookup, a_batch_is_reported_with_the_first_row_of_the_next) {
    Statement it;
    it.walk(rows(1, 10), 0, 9);
    EXPECT_EQ(it.reported(), 0u);
    it.walk(rows(2, 10), 0, 0);
    EXPECT_EQ(it.reported(), 10u);
    EXPECT_EQ(it.lookup.work.calls, 11u);
}

TEST(repeated_lookup, the_same_list_again_is_a_loop_of_its_own) {
    for (const bool newest_first : {false, true}) {
        Statement it;
        for (const uint32_t number : {7, 2, 9, 4, 0, 8, 1, 5, 3, 6})
            it.execute(number, {row(rows(1, 10), number)});
        for (const uint32_t number : {6, 3, 0, 9, 1, 8, 2, 7, 4, 5}) {
            std::vector<LookupOrigin> origins = {row(rows(1, 10), number), row(rows(2, 10), number)};
            if (newest_first)
                std::swap(origins[0], origins[1]);
            it.execute(number, origins);
        }
        it.end();
        EXPECT_EQ(it.loops(), (Sizes{10, 10}));
        EXPECT_EQ(it.verdict(), Confidence::proven);
    }
}

TEST(repeated_lookup, short_lists_after_very_many_executions_are_seen) {
    Statement it;
    for (uint64_t key = 0; key < 5000; ++key)
        it.execute(key);
    for (uint32_t page = 1; page <= 50; ++page)
        it.walk(rows(page, 6), 0, 5);
    it.end();
    EXPECT_EQ(it.loops(), Sizes(50, 6)) << "once a loop was proven, what is not is left alone";
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
    EXPECT_EQ(it.loops(), Sizes{10}) << "a loop is judged over all of its keys: of the first most are others";
}

TEST(repeated_lookup, some_other_keys_in_a_loop_belong_to_it) {
    Statement it;
    it.walk(rows(1, 10), 0, 9);
    for (uint64_t i = 0; i < 10; ++i)
        it.execute(50000 + i);
    EXPECT_EQ(it.judged(), Confidence::proven) << "at least half of a loop's keys come from its parent";
    it.execute(60000);
    EXPECT_EQ(it.judged(), Confidence::likely);
    it.end();
    EXPECT_EQ(it.loops(), Sizes{21});
    EXPECT_EQ(it.reports.back().edge, -1);
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
    EXPECT_EQ(it.loops(), Sizes{13}) << "the first one too, though its key came from elsewhere";
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
    EXPECT_EQ(it.reports.back().edge, -1);
    for (const uint32_t number : {3, 8, 1, 5, 12, 6, 10})
        it.execute(number, {row(rows(1, 14), number)});
    EXPECT_EQ(it.reported(), 6u);
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

TEST(repeated_lookup, what_was_proven_stays_so_when_the_order_is_lost) {
    Statement it;
    it.walk(rows(1, 20), 0, 9);
    it.end(); // as a flush does
    for (const uint32_t number : {15, 17, 16, 13, 11})
        it.execute(1000 + number, {row(rows(1, 20), number)});
    for (uint32_t stranger = 0; stranger < 3; ++stranger)
        it.execute(9000 + stranger);
    it.end();
    EXPECT_EQ(it.verdict(), Confidence::proven);
    EXPECT_EQ(it.loops(), Sizes{18});
}

TEST(repeated_lookup, two_parents_do_not_share_executions) {
    Statement it;
    it.walk(rows(1, 20), 0, 19);
    LookupOrigin other = rows(2, 60);
    other.producer = 78;
    it.walk(other, 0, 59);
    it.end();
    EXPECT_EQ(it.lookup.edge_count, 2);
    ASSERT_EQ(it.loops(), (Sizes{20, 60}));
    EXPECT_EQ(it.reports[0].edge, 0);
    EXPECT_EQ(it.reports[1].edge, 1);
    for (const LookupReport &report : it.reports) {
        EXPECT_EQ(report.confidence, Confidence::proven);
        EXPECT_EQ(report.distinct, report.loop);
    }
}

TEST(repeated_lookup, a_loop_that_goes_on_after_another_is_still_the_same) {
    Statement it;
    it.walk(rows(1, 60), 0, 39);
    LookupOrigin other = rows(2, 60);
    other.producer = 78;
    it.walk(other, 0, 59);
    it.end();
    it.walk(rows(1, 60), 40, 59);
    it.end();
    ASSERT_EQ(it.reports.size(), 3u);
    EXPECT_EQ(it.reports[0].loop, 40u);
    EXPECT_EQ(it.reports[1].loop, 60u);
    EXPECT_EQ(it.reports[2].growth.calls, 20u);
    EXPECT_EQ(it.reported(), 120u);
}

TEST(repeated_lookup, of_too_many_columns_the_least_used_gives_way) {
    Statement it;
    it.walk(rows(1, 10), 0, 9);
    for (uint32_t producer = 101; producer <= 120; ++producer) {
        LookupOrigin other = rows(producer, 50);
        other.producer = producer;
        it.walk(other, 0, producer == 103 ? 3 : 0);
    }
    EXPECT_EQ(RepeatedLookup::max_edges, 10);
    EXPECT_EQ(it.lookup.edge_count, RepeatedLookup::max_edges);
    const auto knows = [&it](uint64_t producer) {
        return std::any_of(it.lookup.edges.begin(), it.lookup.edges.end(),
                           [producer](const LookupEdge &edge) { return edge.producer == producer; });
    };
    EXPECT_TRUE(knows(77));
    EXPECT_TRUE(knows(103));
    for (uint64_t producer = 113; producer <= 120; ++producer)
        EXPECT_TRUE(knows(producer));
    EXPECT_FALSE(knows(112));
}

TEST(repeated_lookup, a_batch_that_is_over_keeps_its_parent_until_it_is_reported) {
    const auto other = [](uint64_t producer) {
        LookupOrigin origin = rows(50, 100, 50);
        origin.producer = producer;
        return origin;
    };
    Statement it;
    for (uint32_t i = 0; i < 10; ++i) {
        std::vector<LookupOrigin> origins = {row(rows(60, 10), i)};
        for (uint64_t producer = 101; producer <= 109 && i < 2; ++producer)
            origins.push_back(row(other(producer), i));
        it.execute(i, origins);
    }
    // One more column gives the key that begins the next batch.
    it.execute(100, {row(rows(61, 10), 0), row(other(110), 0)});
    ASSERT_EQ(it.loops(), Sizes{10});
    EXPECT_EQ(it.lookup.edges[static_cast<size_t>(it.reports[0].edge)].producer, 77u);
}

TEST(repeated_lookup, what_another_reports_is_left_out) {
    Statement it(UnitKind::pool, Relation::related);
    it.walk(rows(1, 30), 0, 9);
    it.lookup.skip_report();
    it.walk(rows(1, 30), 10, 29);
    it.end();
    EXPECT_EQ(it.loops(), Sizes{20});
}

TEST(repeated_lookup, what_another_reports_of_a_batch_that_is_over_is_left_out) {
    Statement it(UnitKind::pool);
    it.walk(rows(1, 10), 0, 9);
    it.lookup.trace(rows(2, 10));
    it.lookup.count(10, 3);
    it.lookup.skip_report();
    it.end();
    EXPECT_EQ(it.reported(), 0u);
    it.walk(rows(2, 10), 1, 9);
    it.end();
    EXPECT_EQ(it.loops(), Sizes{9});
}

TEST(repeated_lookup, a_loop_has_no_keys_of_another) {
    Statement it;
    for (uint32_t page = 1; page <= 3; ++page) {
        LookupOrigin list = rows(page, max_traced_rows);
        list.all_values = false;
        it.walk(list, 0, max_traced_rows - 1);
        for (uint64_t i = 0; i < 88; ++i)
            it.execute(page * 1000000 + i);
    }
    it.end();
    EXPECT_EQ(it.loops(), Sizes(3, 600));
    for (const LookupReport &report : it.reports)
        EXPECT_EQ(report.distinct, 600u);
}

} // namespace
} // namespace dbperf::n_plus_one
