#include "n_plus_one/row_batch_model.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace dbperf::n_plus_one {
namespace {

using namespace model;

// --- without a parent ------------------------------------------------------------------------------------------------

Confidence of_different_keys(UnitKind unit, int count) {
    Statement it(unit);
    for (int i = 0; i < count; ++i)
        it.execute(static_cast<uint64_t>(i));
    it.end();
    return it.verdict();
}

TEST(repeated_lookup, different_keys_make_it_likely_where_the_unit_of_work_is_sure) {
    EXPECT_EQ(of_different_keys(UnitKind::transaction, 5), Confidence::likely);
    EXPECT_EQ(of_different_keys(UnitKind::tagged, 5), Confidence::likely);
    EXPECT_EQ(of_different_keys(UnitKind::burst, 5), Confidence::possible);
    EXPECT_EQ(of_different_keys(UnitKind::pool, 5), Confidence::none);
}

TEST(repeated_lookup, below_the_threshold_nothing_is_reported) {
    for (const UnitKind unit : {UnitKind::transaction, UnitKind::tagged, UnitKind::burst, UnitKind::server})
        EXPECT_EQ(of_different_keys(unit, 4), Confidence::none);
}

TEST(repeated_lookup, what_begins_again_is_as_new) {
    std::mt19937 random(7);
    for (int round = 0; round < 2000; ++round) {
        RepeatedLookup used;
        RepeatedLookup fresh;
        used.begin(1, 5, UnitKind::transaction);
        const auto pick = [&random](uint32_t below) { return static_cast<uint32_t>(random()) % below; };
        for (uint32_t left = pick(6); left > 0; --left) {
            const uint64_t key = 1 + pick(3) * 0x0123456789abcdefu;
            for (uint32_t origins = pick(3); origins > 0; --origins)
                used.trace({pick(3), 7, 1, 0, 1 + pick(2), 1 + pick(2), static_cast<uint16_t>(pick(64)), 64, true,
                            false, false, pick(2) == 0});
            used.count(10, 1);
            if (used.add_key(key) == Novelty::repeated && pick(2) == 0)
                used.add_repeat(key, 1 + pick(2));
            if (pick(4) == 0)
                used.forget_repeats();
            if (pick(4) == 0)
                used.report(pick(2) == 0);
        }
        used.begin_again(2, 5, UnitKind::burst);
        fresh.begin(2, 5, UnitKind::burst);
        ASSERT_EQ(std::memcmp(static_cast<void *>(&used), static_cast<void *>(&fresh), sizeof used), 0) << round;
    }
}

TEST(repeated_lookup, distinct_keys_are_counted_once) {
    Statement it;
    for (const uint64_t key : {1, 2, 1, 1, 2, 3})
        it.execute(key);
    EXPECT_EQ(it.lookup.distinct, 3u);
    EXPECT_EQ(it.lookup.work.calls, 6u);
}

TEST(repeated_lookup, many_keys_are_counted_exactly) {
    Statement it;
    for (uint64_t key = 0; key + 1 < RepeatedLookup::exact_keys; ++key)
        it.execute(key);
    it.execute(0);
    EXPECT_EQ(it.lookup.distinct, RepeatedLookup::exact_keys - 1);
}

TEST(repeated_lookup, very_many_keys_are_taken_to_go_on_being_distinct) {
    Statement it;
    for (uint64_t key = 0; key < 1000; ++key)
        it.execute(key);
    it.execute(999);
    EXPECT_EQ(it.lookup.distinct, 1000u) << "but for one that repeats at once";
    it.execute(0);
    EXPECT_EQ(it.lookup.distinct, 1001u);
    it.end();
    EXPECT_EQ(it.reported(), 1002u);
}

TEST(repeated_lookup, a_loop_is_reported_when_it_is_over) {
    Statement it;
    for (uint64_t key = 0; key < 5000; ++key)
        it.execute(key);
    EXPECT_EQ(it.reports.size(), 0u);
    EXPECT_EQ(it.judged(), Confidence::likely) << "but what it amounts to is known";
    EXPECT_EQ(it.lookup.judge().growth.calls, 5000u);
    it.end();
    EXPECT_EQ(it.loops(), Sizes{5000});
    EXPECT_EQ(it.reports.size(), 1u);
    EXPECT_EQ(it.judged(), Confidence::none) << "nothing is new";
}

TEST(repeated_lookup, it_is_looked_at_again_when_it_has_grown_by_a_32nd) {
    Statement it;
    uint64_t checks = 0;
    for (uint64_t key = 0; key < 5000; ++key) {
        const uint64_t before = it.lookup.next_check;
        it.execute(key);
        const uint64_t calls = it.lookup.work.calls;
        ASSERT_GT(it.lookup.next_check, calls);
        ASSERT_LE(it.lookup.next_check, calls + std::max<uint64_t>(threshold, calls / 32));
        checks += it.lookup.next_check != before;
    }
    EXPECT_LT(checks, 250u);
}

TEST(repeated_lookup, what_somebody_else_reported_is_not_reported_again) {
    Statement it;
    it.walk(rows(1, 20), 0, 11);
    const LookupReport judged = it.lookup.judge();
    EXPECT_EQ(judged.loop, 12u);
    EXPECT_TRUE(judged.is_first);
    it.lookup.accept(judged);
    it.walk(rows(1, 20), 12, 19);
    it.end();
    ASSERT_EQ(it.reports.size(), 1u);
    EXPECT_EQ(it.reports[0].growth.calls, 8u);
    EXPECT_EQ(it.reports[0].loop, 20u);
    EXPECT_FALSE(it.reports[0].is_first);
}

TEST(repeated_lookup, loops_in_the_server_are_reported_whatever_their_keys) {
    Statement it(UnitKind::server);
    for (int i = 0; i < 7; ++i)
        it.lookup.count(10, 3);
    it.end();
    EXPECT_EQ(it.kind(), LookupKind::server_loop);
    EXPECT_EQ(it.verdict(), Confidence::likely);
    EXPECT_EQ(it.reported(), 7u);
}

// --- the same again --------------------------------------------------------------------------------------------------

TEST(repeated_lookup, equal_executions_are_redundant) {
    Statement it;
    for (int i = 0; i < 9; ++i)
        it.execute(42);
    it.end();
    EXPECT_EQ(it.kind(), LookupKind::redundant);
    EXPECT_EQ(it.loops(), Sizes{9});
}

TEST(repeated_lookup, equal_executions_on_a_connection_are_possibly_redundant) {
    Statement it(UnitKind::burst);
    for (int i = 0; i < 9; ++i)
        it.execute(42);
    it.end();
    ASSERT_EQ(it.verdict(), Confidence::possible) << "a poll or a retry looks the same";
    EXPECT_EQ(it.kind(), LookupKind::redundant);
    EXPECT_EQ(it.loops(), Sizes{9});
}

TEST(repeated_lookup, equal_executions_on_several_connections_are_nothing) {
    Statement it(UnitKind::pool);
    for (int i = 0; i < 9; ++i)
        it.execute(42);
    it.end();
    EXPECT_EQ(it.verdict(), Confidence::none);
}

TEST(repeated_lookup, paging_has_one_key_and_other_parameters) {
    Statement it;
    for (uint32_t page = 1; page <= 20; ++page)
        it.execute(42, {}, page);
    it.end();
    EXPECT_EQ(it.verdict(), Confidence::none);
}

TEST(repeated_lookup, reading_again_after_a_write_is_not_redundant) {
    Statement it;
    for (int i = 0; i < 20; ++i) {
        it.execute(42);
        if (i % 4 == 3)
            it.lookup.forget_repeats();
    }
    it.end();
    EXPECT_EQ(it.verdict(), Confidence::none);
}

TEST(repeated_lookup, what_was_reported_as_redundant_goes_on_after_a_write) {
    Statement it;
    for (int i = 0; i < 5; ++i)
        it.execute(42);
    it.end(); // as a flush does
    it.lookup.forget_repeats();
    it.execute(42);
    it.end();
    EXPECT_EQ(it.kind(), LookupKind::redundant);
    EXPECT_EQ(it.loops(), Sizes{6});
}

// --- with a parent ---------------------------------------------------------------------------------------------------

// These of so many rows.
Confidence of_rows(UnitKind unit, uint16_t values, std::vector<uint32_t> numbers, Relation related = Relation::none) {
    Statement it(unit, related);
    for (const uint32_t number : numbers)
        it.execute(number, {row(rows(1, values), number)});
    it.end();
    return it.verdict();
}
const std::vector<uint32_t> in_order = {3, 4, 6, 8, 9, 11};
const std::vector<uint32_t> roughly = {4, 3, 8, 6, 11, 9};
const std::vector<uint32_t> in_disorder = {9, 3, 8, 4, 11, 6};
constexpr uint16_t few = 12, some = 24, many = 100; // of which six are half, a quarter, and next to nothing

TEST(repeated_lookup, half_of_a_column_in_the_order_of_its_rows_is_proof) {
    for (const auto &numbers : {in_order, roughly})
        for (const UnitKind unit : {UnitKind::transaction, UnitKind::tagged, UnitKind::burst, UnitKind::pool})
            EXPECT_EQ(of_rows(unit, few, numbers), Confidence::proven);
}

TEST(repeated_lookup, order_alone_proves_nothing) {
    EXPECT_EQ(of_rows(UnitKind::transaction, few + 1, in_order), Confidence::likely);
    EXPECT_EQ(of_rows(UnitKind::tagged, few + 1, in_order), Confidence::likely);
    EXPECT_EQ(of_rows(UnitKind::burst, few + 1, in_order), Confidence::possible);
    EXPECT_EQ(of_rows(UnitKind::pool, few + 1, in_order), Confidence::none);
    // Constants of a program ascend, and so do ids.
    EXPECT_EQ(of_rows(UnitKind::transaction, 50, {3, 10, 20, 21, 40, 49}), Confidence::likely);
    EXPECT_EQ(of_rows(UnitKind::burst, 50, {3, 10, 20, 21, 40, 49}), Confidence::possible);
    EXPECT_EQ(of_rows(UnitKind::transaction, 12, {0, 2, 5, 6, 11}), Confidence::likely);
}

// Ids of several tables in one column: each statement looks up its part.
TEST(repeated_lookup, what_others_look_up_of_a_column_counts_where_it_is_looked_up_in_order) {
    const auto of = [](UnitKind unit, const std::vector<uint32_t> &numbers, const std::vector<uint32_t> &others,
                       bool other_keys = false) {
        Statement it(unit);
        Statement other(unit);
        for (const uint32_t number : numbers)
            it.execute(number, {row(rows(1, 18), number)});
        for (const uint32_t number : others)
            other.execute(number, {row(rows(1, 18), number)});
        if (other_keys)
            it.execute(500);
        LookupEdge &edge = it.lookup.edges[0];
        edge.related = Relation::none;
        if (it.lookup.wants_others(edge)) {
            RepeatedLookup::Rows met{};
            other.lookup.add_rows(edge, &met);
            edge.elsewhere = rows_elsewhere(edge, met);
        }
        it.end();
        return it.verdict();
    };
    const std::vector<uint32_t> part = {0, 3, 6, 9, 12, 15};
    EXPECT_EQ(of(UnitKind::transaction, part, {}), Confidence::likely);
    EXPECT_EQ(of(UnitKind::transaction, part, {1, 4, 7}), Confidence::proven) << "half of the column between them";
    EXPECT_EQ(of(UnitKind::burst, part, {1, 4, 7}), Confidence::proven);
    EXPECT_EQ(of(UnitKind::transaction, part, {1, 4}), Confidence::likely);
    EXPECT_EQ(of(UnitKind::transaction, part, {0, 3, 6}), Confidence::likely) << "the same rows";
    EXPECT_EQ(of(UnitKind::transaction, {9, 3, 0, 15, 12, 6}, {1, 4, 7}), Confidence::likely) << "in disorder";
    EXPECT_EQ(of(UnitKind::transaction, part, {1, 4, 7}, true), Confidence::likely) << "and a key from elsewhere";
    EXPECT_EQ(of(UnitKind::pool, part, {1, 4, 7}), Confidence::none);
}

TEST(repeated_lookup, half_of_a_column_in_disorder_proves_nothing) {
    EXPECT_EQ(of_rows(UnitKind::transaction, few, in_disorder), Confidence::likely);
    EXPECT_EQ(of_rows(UnitKind::tagged, few, in_disorder), Confidence::likely);
    EXPECT_EQ(of_rows(UnitKind::burst, few, in_disorder), Confidence::possible);
    EXPECT_EQ(of_rows(UnitKind::pool, few, in_disorder), Confidence::none);
}

TEST(repeated_lookup, all_values_of_a_column_and_no_others_are_proof_in_any_order) {
    const std::vector<uint32_t> backwards = {11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    const std::vector<uint32_t> shuffled = {6, 11, 2, 9, 0, 4, 8, 1, 10, 5, 7, 3};
    const std::vector<uint32_t> all_but_one(shuffled.begin(), shuffled.end() - 1);
    const std::vector<uint32_t> all_but_two(shuffled.begin(), shuffled.end() - 2);
    for (const UnitKind unit : {UnitKind::transaction, UnitKind::tagged, UnitKind::burst}) {
        EXPECT_EQ(of_rows(unit, 12, backwards), Confidence::proven);
        EXPECT_EQ(of_rows(unit, 12, shuffled), Confidence::proven);
        EXPECT_EQ(of_rows(unit, 12, all_but_one), Confidence::proven) << "nine tenths";
        EXPECT_NE(of_rows(unit, 12, all_but_two), Confidence::proven);
    }
    EXPECT_EQ(of_rows(UnitKind::pool, 12, shuffled), Confidence::none) << "several clients use one pool";
}

TEST(repeated_lookup, with_one_other_key_all_values_in_disorder_prove_nothing) {
    for (const bool first : {false, true}) {
        Statement it;
        if (first)
            it.execute(500, {});
        for (const uint32_t number : {6, 11, 2, 9, 0, 4, 8, 1, 10, 5, 7, 3})
            it.execute(number, {row(rows(1, 12), number)});
        EXPECT_EQ(it.judged(), Confidence::proven) << "what was before the loop is none of its keys";
        it.execute(501);
        it.end();
        EXPECT_EQ(it.verdict(), Confidence::likely);
        EXPECT_EQ(it.reports.back().edge, -1);
    }
}

TEST(repeated_lookup, the_schema_proves_it) {
    EXPECT_EQ(of_rows(UnitKind::transaction, many, in_disorder, Relation::related), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::tagged, many, in_disorder, Relation::related), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::burst, some, in_disorder, Relation::related), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::burst, some + 1, in_disorder, Relation::related), Confidence::possible)
        << "a list, and then some of its rows, in requests of their own";
    EXPECT_EQ(of_rows(UnitKind::burst, some + 1, in_order, Relation::related), Confidence::possible);
    EXPECT_EQ(of_rows(UnitKind::pool, few, in_disorder, Relation::related), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::pool, few + 1, in_disorder, Relation::related), Confidence::none);
    EXPECT_EQ(of_rows(UnitKind::pool, few + 1, in_order, Relation::related), Confidence::none);
}

TEST(repeated_lookup, equal_values_alone_prove_nothing) {
    EXPECT_EQ(of_rows(UnitKind::transaction, many, in_disorder), Confidence::likely);
    EXPECT_EQ(of_rows(UnitKind::tagged, many, in_disorder), Confidence::likely);
    EXPECT_EQ(of_rows(UnitKind::burst, many, in_disorder), Confidence::possible);
}

TEST(repeated_lookup, evidence_has_a_rank) {
    EXPECT_LT(Evidence::none, Evidence::coverage);
    EXPECT_LT(Evidence::coverage, Evidence::order);
    EXPECT_LT(Evidence::order, Evidence::schema);
}

TEST(repeated_lookup, connections_that_do_other_things_too_need_the_order) {
    const auto of = [](const std::vector<uint32_t> &numbers) {
        Statement it(UnitKind::pool, Relation::related);
        for (const uint32_t number : numbers) {
            LookupOrigin origin = row(rows(1, 6), number);
            origin.is_crowded = true;
            it.execute(number, {origin});
        }
        it.end();
        return it.verdict();
    };
    EXPECT_EQ(of({0, 2, 1, 3, 4, 5}), Confidence::proven);
    EXPECT_EQ(of({5, 2, 0, 3, 1, 4}), Confidence::none) << "as users come, each with his own row";
}

TEST(repeated_lookup, four_executions_are_no_proof) {
    EXPECT_EQ(of_rows(UnitKind::transaction, 4, {0, 1, 2, 3}, Relation::related), Confidence::none);
}

TEST(repeated_lookup, keys_of_a_list_may_repeat) {
    EXPECT_EQ(of_rows(UnitKind::transaction, 6, {0, 1, 0, 2, 3, 1, 4, 0, 5, 2, 1, 0}), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::transaction, 3, {0, 1, 0, 2, 1, 2}, Relation::related), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::transaction, 2, {0, 1, 0, 1, 1, 0}, Relation::related), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::transaction, 9, {0, 1, 0, 1, 1, 0}, Relation::related), Confidence::none);
}

TEST(repeated_lookup, few_keys_prove_nothing_without_the_schema) {
    EXPECT_EQ(of_rows(UnitKind::transaction, 3, {0, 2, 1, 2, 2, 1}), Confidence::none);
    EXPECT_EQ(of_rows(UnitKind::transaction, 2, {0, 1, 0, 1, 1, 0}), Confidence::none);
    EXPECT_EQ(of_rows(UnitKind::transaction, 4, {3, 1, 0, 2, 3, 2}), Confidence::none) << "four, and in disorder";
    EXPECT_EQ(of_rows(UnitKind::transaction, 4, {0, 1, 2, 3, 3, 2}), Confidence::proven) << "four in order";
}

TEST(repeated_lookup, one_value_in_many_parts_of_a_batch_does_not_vary) {
    Statement it;
    for (uint32_t serial = 11; serial < 17; ++serial)
        it.execute(42, {rows(serial, 1, 10)});
    it.end();
    EXPECT_EQ(it.kind(), LookupKind::redundant);
}

TEST(repeated_lookup, an_execution_counts_once_however_many_parts_returned_its_key) {
    Statement it(UnitKind::burst, Relation::related);
    for (uint32_t i = 0; i < 3; ++i)
        it.execute(i, {row(rows(11, 3, 10), i), row(rows(12, 3, 10), i), row(rows(13, 3, 10), i)});
    EXPECT_EQ(it.lookup.edges[0].executions, 3u);
    EXPECT_EQ(evidence_of(it.lookup.edges[0], it.lookup.work, threshold, UnitKind::burst), Evidence::none);
}

TEST(repeated_lookup, a_column_that_returned_few_of_the_keys_is_not_the_parent) {
    Statement it;
    for (uint32_t i = 0; i < 40; ++i)
        it.execute(i, i % 3 == 0 ? std::vector<LookupOrigin>{row(rows(1, 14), i / 3)} : std::vector<LookupOrigin>{});
    it.end();
    EXPECT_EQ(it.verdict(), Confidence::likely);
    EXPECT_EQ(it.loops(), Sizes{40});
}

TEST(repeated_lookup, of_columns_with_the_same_values_the_one_in_order_is_the_parent) {
    Statement it;
    LookupOrigin other = rows(1, 6);
    other.column = 3;
    const std::array<uint32_t, 6> shuffled = {4, 1, 5, 0, 3, 2};
    for (uint32_t i = 0; i < shuffled.size(); ++i)
        it.execute(i, {row(rows(1, 6), shuffled[i]), row(other, i)});
    it.end();
    ASSERT_EQ(it.verdict(), Confidence::proven);
    EXPECT_EQ(it.lookup.edges[static_cast<size_t>(it.reports.back().edge)].column, 3);
}

// Two columns that returned the same keys, both in order and wholly, and looked up in two batches: what each is
// reported as.
struct TwoColumns {
    LookupOrigin one = rows(1, 20);
    LookupOrigin other = rows(1, 20);
    int related_edge = -1;
    std::vector<uint32_t> of_one = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19};

    TwoColumns() { other.column = 3; }

    std::vector<Confidence> confidence() const {
        Statement it(UnitKind::transaction, related_edge < 0 ? Relation::none : Relation::related);
        it.related_edge = related_edge;
        for (uint32_t batch = 1; batch <= 2; ++batch)
            for (uint32_t i = 0; i < 20; ++i) {
                LookupOrigin left = row(one, of_one[i]), right = row(other, i);
                left.root = left.serial = one.root + 100 * batch;
                right.root = right.serial = other.root + 100 * batch;
                it.execute(batch * 100 + i, {left, right});
                if (batch == 2 && i == 13)
                    it.end(); // as a flush does
            }
        it.end();
        EXPECT_EQ(it.loops(), (Sizes{20, 20}));
        std::vector<Confidence> found;
        for (const LookupReport &report : it.reports) {
            found.push_back(report.confidence);
            EXPECT_GE(report.edge, 0) << "the best guess is named all the same";
            EXPECT_EQ(report.edge, related_edge < 0 ? it.reports[0].edge : related_edge);
        }
        return found;
    }
};
using Found = std::vector<Confidence>;

TEST(repeated_lookup, of_two_columns_that_explain_the_keys_equally_well_neither_is_proven) {
    TwoColumns it;
    EXPECT_EQ(it.confidence(), Found(3, Confidence::likely));
    it.of_one = {1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14, 17, 16, 19, 18};
    EXPECT_EQ(it.confidence(), Found(3, Confidence::likely)) << "roughly in order, too";
    it.other.relation = 9;
    it.other.producer = 78;
    it.other.root = 2;
    EXPECT_EQ(it.confidence(), Found(3, Confidence::likely)) << "of another table";
    it.one.relation = it.other.relation = 0;
    it.other.column = it.one.column;
    EXPECT_EQ(it.confidence(), Found(3, Confidence::likely)) << "computed by two statements";
}

TEST(repeated_lookup, the_schema_decides_between_two_columns) {
    TwoColumns it;
    for (it.related_edge = 0; it.related_edge < 2; ++it.related_edge)
        EXPECT_EQ(it.confidence(), Found(3, Confidence::proven));
}

TEST(repeated_lookup, one_column_that_two_statements_returned_is_one_reason) {
    TwoColumns it;
    it.other = it.one;
    it.other.producer = 78;
    EXPECT_EQ(it.confidence(), Found(3, Confidence::proven));
}

TEST(repeated_lookup, a_column_with_weaker_evidence_is_no_rival) {
    TwoColumns it;
    it.of_one = {13, 7, 2, 12, 5, 9, 0, 4, 11, 1, 8, 3, 10, 6, 19, 15, 18, 14, 17, 16};
    it.one.values = it.other.values = 20;
    Statement both;
    for (uint32_t i = 0; i < 20; ++i)
        both.execute(i, {row(it.one, (it.of_one[i] * 7 + 3) % 20), row(it.other, i)});
    both.end();
    EXPECT_EQ(both.verdict(), Confidence::proven);
    EXPECT_EQ(both.lookup.edges[static_cast<size_t>(both.reports.back().edge)].column, 3) << "in order";
}

TEST(repeated_lookup, rows_beyond_those_remembered_belong_to_the_loop) {
    Statement it;
    LookupOrigin list = rows(1, max_traced_rows);
    list.all_values = false;
    it.walk(list, 0, max_traced_rows - 1);
    for (uint64_t i = 0; i < 3000; ++i)
        it.execute(5000 + i);
    it.end();
    EXPECT_EQ(it.verdict(), Confidence::proven);
    EXPECT_EQ(it.loops(), Sizes{3512});
    EXPECT_EQ(it.reports.back().distinct, 3512u);
}

TEST(repeated_lookup, a_handful_of_a_pools_keys_is_chance) {
    const auto verdict_of = [](UnitKind unit, Relation relation) {
        Statement it(unit, relation);
        for (uint64_t i = 0; i < 30; ++i)
            it.execute(5000 + i);
        it.walk(rows(1, 6), 0, 5);
        it.end();
        return it.verdict();
    };
    EXPECT_EQ(verdict_of(UnitKind::pool, Relation::none), Confidence::none);
    EXPECT_EQ(verdict_of(UnitKind::pool, Relation::related), Confidence::proven);
    EXPECT_EQ(verdict_of(UnitKind::burst, Relation::none), Confidence::proven);
}

} // namespace
} // namespace dbperf::n_plus_one
