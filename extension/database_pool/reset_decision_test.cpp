// Every kind of evidence alone, and those that excuse each other.
#include "database_pool/reset_decision.h"

#include <gtest/gtest.h>

using namespace dbperf::database_pool;

namespace {

template <typename Set>
ResetDecision decided(Set set) {
    Writes writes{};
    set(writes);
    return decide_reset(writes);
}

template <typename Set>
void expect_copy(ResetReason reason, Set set) {
    const ResetDecision decision = decided(set);
    EXPECT_EQ(decision.kind, ResetKind::copy);
    EXPECT_EQ(decision.reason, reason);
}

} // namespace

TEST(reset_decision, nothing_written_is_clean) {
    EXPECT_EQ(decided([](Writes &) {}).kind, ResetKind::clean);
    // A statement that was rolled back, or changed nothing.
    EXPECT_EQ(decided([](Writes &writes) { writes.saw_schema_statement = true; }).kind, ResetKind::clean);
}

TEST(reset_decision, rows_are_put_back) {
    EXPECT_EQ(decided([](Writes &writes) { writes.pages = 3; }).kind, ResetKind::pages);
    expect_copy(ResetReason::no_map, [](Writes &writes) { writes.pages = 3, writes.map_is_missing = true; });
    expect_copy(ResetReason::no_map, [](Writes &writes) { writes.map_is_missing = true; });
    expect_copy(ResetReason::too_many_pages, [](Writes &writes) { writes.pages_are_too_many = true; });
}

TEST(reset_decision, what_is_more_than_rows_needs_a_copy) {
    expect_copy(ResetReason::log_gone, [](Writes &writes) { writes.log_is_gone = true; });
    expect_copy(ResetReason::log_gone, [](Writes &writes) { writes.log_is_too_long = true; });
    expect_copy(ResetReason::template_changed, [](Writes &writes) { writes.template_changed = true; });
    expect_copy(ResetReason::catalogs, [](Writes &writes) { writes.new_files = 1; });
    expect_copy(ResetReason::catalogs, [](Writes &writes) { writes.unknown_files = 1; });
    expect_copy(ResetReason::catalogs, [](Writes &writes) { writes.catalog_rows = 1; });
    expect_copy(ResetReason::schema,
                [](Writes &writes) { writes.catalog_rows = 1, writes.saw_schema_statement = true; });
    expect_copy(ResetReason::large_objects, [](Writes &writes) { writes.large_object_rows = 1; });
    expect_copy(ResetReason::maintenance, [](Writes &writes) { writes.saw_maintenance = true; });
    expect_copy(ResetReason::prepared, [](Writes &writes) { writes.prepared = 1; });
    expect_copy(ResetReason::shortened, [](Writes &writes) { writes.shortened = 1; });
}

TEST(reset_decision, what_is_in_no_log_of_the_database_needs_a_copy) {
    expect_copy(ResetReason::maintenance, [](Writes &writes) { writes.statistics_rows = 1; });
    expect_copy(ResetReason::properties, [](Writes &writes) { writes.properties_changed = true; });
    expect_copy(ResetReason::subscriptions, [](Writes &writes) { writes.has_subscriptions = true; });
    expect_copy(ResetReason::slots, [](Writes &writes) { writes.has_slots = true; });
    expect_copy(ResetReason::template_changed, [](Writes &writes) { writes.template_is_gone = true; });
    expect_copy(ResetReason::gone, [](Writes &writes) { writes.is_gone = true, writes.properties_changed = true; });
    // What has to be with_rolled_back_subtransaction by hand is named first.
    expect_copy(ResetReason::slots, [](Writes &writes) { writes.has_slots = true, writes.catalog_rows = 1; });
}

TEST(reset_decision, every_reason_has_a_text) {
    EXPECT_TRUE(text_of(ResetReason::none).empty());
    for (int i = 1; i < static_cast<int>(ResetReason::count); ++i)
        EXPECT_FALSE(text_of(static_cast<ResetReason>(i)).empty()) << i;
}
