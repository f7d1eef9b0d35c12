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
        used.begin(1, 5);
        const auto pick = [&random](uint32_t below) { return static_cast<uint32_t>(random()) % below; };
        for (uint32_t left = pick(6); left > 0; --left) {
            const uint64_t key = 1 + pick(3) * 0x0123456789abcdefu;
            for (uint32_t origins = pick(3); origins > 0; --origins)
                used.trace(
                    {pick(3), 7, 1, 0, 1 + pick(2), 1 + pick(2), static_cast<uint16_t>(pick(64)), 64, true, false});
            used.count(10, 1);
            if (used.add_key(key) == Novelty::repeated && pick(2) == 0)
                used.add_repeat(key, 1 + pick(2));
            if (pick(4) == 0)
                used.forget_repeats();
            if (pick(4) == 0)
                used.report(5, UnitKind::transaction, pick(2) == 0);
        }
        used.begin_again(2, 5);
        fresh.begin(2, 5);
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

TEST(repeated_lookup, all_executions_are_reported_in_steps) {
    Statement it;
    for (uint64_t key = 0; key < 5000; ++key)
        it.execute(key);
    EXPECT_GE(it.reported(), 5000u * 15 / 16);
    it.end();
    EXPECT_EQ(it.loops(), Sizes{5000});
    EXPECT_LT(it.reports.size(), 150u);
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

TEST(repeated_lookup, a_poll_on_a_connection_is_not_redundant) {
    Statement it(UnitKind::burst);
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
    it.lookup.forget_repeats();
    it.execute(42);
    it.end();
    EXPECT_EQ(it.kind(), LookupKind::redundant);
    EXPECT_EQ(it.loops(), Sizes{6});
}

// --- with a parent ---------------------------------------------------------------------------------------------------

// Six of so many rows.
Confidence of_rows(UnitKind unit, uint16_t values, std::vector<uint32_t> numbers, Relation related = Relation::none) {
    Statement it(unit, related);
    for (const uint32_t number : numbers)
        it.execute(number, {row(rows(1, values), number)});
    it.end();
    return it.verdict();
}
const std::vector<uint32_t> in_order = {3, 10, 20, 21, 40, 50};
const std::vector<uint32_t> in_disorder = {40, 3, 21, 10, 50, 20};
constexpr uint16_t many = 100, few = 12, some = 24;

TEST(repeated_lookup, nearly_all_values_of_a_column_prove_it) {
    EXPECT_EQ(of_rows(UnitKind::transaction, few, in_disorder), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::tagged, few, in_disorder), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::burst, few, in_disorder), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::burst, few + 1, in_disorder), Confidence::possible);
}

TEST(repeated_lookup, the_order_of_the_rows_proves_it) {
    EXPECT_EQ(of_rows(UnitKind::transaction, many, in_order), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::tagged, many, in_order), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::burst, many, in_order), Confidence::proven);
}

TEST(repeated_lookup, the_schema_proves_it) {
    EXPECT_EQ(of_rows(UnitKind::transaction, many, in_disorder, Relation::related), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::tagged, many, in_disorder, Relation::related), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::burst, some, in_disorder, Relation::related), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::burst, some + 1, in_disorder, Relation::related), Confidence::possible)
        << "a list, and then some of its rows, in requests of their own";
}

TEST(repeated_lookup, equal_values_alone_prove_nothing) {
    EXPECT_EQ(of_rows(UnitKind::transaction, many, in_disorder), Confidence::likely);
    EXPECT_EQ(of_rows(UnitKind::tagged, many, in_disorder), Confidence::likely);
    EXPECT_EQ(of_rows(UnitKind::burst, many, in_disorder), Confidence::possible);
}

TEST(repeated_lookup, several_connections_need_two_reasons) {
    const std::vector<uint32_t> roughly = {1, 0, 3, 2, 5, 4};
    const std::vector<uint32_t> backwards = {5, 4, 3, 2, 1, 0};
    EXPECT_EQ(of_rows(UnitKind::pool, few, backwards), Confidence::none) << "only coverage";
    EXPECT_EQ(of_rows(UnitKind::pool, many, in_order), Confidence::none) << "only order";
    EXPECT_EQ(of_rows(UnitKind::pool, many, in_disorder, Relation::related), Confidence::none) << "only the schema";
    EXPECT_EQ(of_rows(UnitKind::pool, few, roughly), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::pool, few, backwards, Relation::related), Confidence::proven);
}

TEST(repeated_lookup, four_executions_are_no_proof) {
    EXPECT_EQ(of_rows(UnitKind::transaction, 4, {0, 1, 2, 3}, Relation::related), Confidence::none);
}

TEST(repeated_lookup, keys_of_a_list_may_repeat) {
    EXPECT_EQ(of_rows(UnitKind::transaction, 3, {0, 1, 0, 2, 2, 1, 0, 0, 1, 2, 1, 0}), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::transaction, 2, {0, 1, 0, 1, 1, 0}), Confidence::proven);
    EXPECT_EQ(of_rows(UnitKind::transaction, 9, {0, 1, 0, 1, 1, 0}, Relation::related), Confidence::none);
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
    EXPECT_FALSE(is_proof(it.lookup.edges[0], it.lookup.work, threshold, UnitKind::burst));
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

} // namespace
} // namespace dbperf::n_plus_one
