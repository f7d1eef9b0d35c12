// The conflict tables against what the server's manual says, and the bookkeeping of one transaction.
#include "deadlock_prediction/lock_order.h"

#include <gtest/gtest.h>

#include <string>

namespace dbperf::deadlock_prediction {
namespace {

constexpr uint8_t of(RowAction mode) {
    return static_cast<uint8_t>(mode);
}

bool rows_conflict(RowAction held, RowAction wanted) {
    return lock_conflicts(LockKind::row, of(held), of(wanted));
}

bool row_covers(RowAction held, RowAction wanted) {
    return lock_covers(LockKind::row, of(held), of(wanted));
}

// The table of "Row-Level Locks" in the manual.
TEST(lock_order, row_locks_conflict_as_the_manual_says) {
    const RowAction modes[] = {RowAction::key_share, RowAction::share, RowAction::no_key_update, RowAction::update};
    const char *rows[] = {"...X", "..XX", ".XXX", "XXXX"};
    for (size_t a = 0; a < 4; ++a)
        for (size_t b = 0; b < 4; ++b)
            EXPECT_EQ(rows_conflict(modes[a], modes[b]), rows[a][b] == 'X') << a << ' ' << b;
}

// The table of "Table-Level Locks" in the manual.
TEST(lock_order, table_locks_conflict_as_the_manual_says) {
    const char *rows[] = {".......X", "......XX", "....XXXX", "...XXXXX",
                          "..XX.XXX", "..XXXXXX", ".XXXXXXX", "XXXXXXXX"};
    for (uint8_t a = 1; a <= 8; ++a)
        for (uint8_t b = 1; b <= 8; ++b)
            EXPECT_EQ(lock_conflicts(LockKind::table, a, b), rows[a - 1][b - 1] == 'X') << int{a} << ' ' << int{b};
}

TEST(lock_order, advisory_locks_share_or_exclude) {
    EXPECT_FALSE(lock_conflicts(LockKind::advisory, 0, 0));
    EXPECT_TRUE(lock_conflicts(LockKind::advisory, 0, 1));
    EXPECT_TRUE(lock_conflicts(LockKind::advisory, 1, 0));
    EXPECT_TRUE(lock_conflicts(LockKind::advisory, 1, 1));
}

TEST(lock_order, writing_locks_like_the_clause_of_its_strength) {
    EXPECT_FALSE(rows_conflict(RowAction::key_share, RowAction::write));
    EXPECT_TRUE(rows_conflict(RowAction::key_share, RowAction::write_key));
    EXPECT_TRUE(rows_conflict(RowAction::share, RowAction::write));
    EXPECT_TRUE(rows_conflict(RowAction::write, RowAction::no_key_update));
    EXPECT_TRUE(rows_conflict(RowAction::write, RowAction::upsert));
}

TEST(lock_order, who_inserts_a_key_waits_for_who_inserted_or_writes_it) {
    EXPECT_TRUE(rows_conflict(RowAction::insert, RowAction::insert));
    EXPECT_TRUE(rows_conflict(RowAction::write, RowAction::insert));
    EXPECT_TRUE(rows_conflict(RowAction::write_key, RowAction::insert));
    EXPECT_TRUE(rows_conflict(RowAction::insert, RowAction::upsert));
    EXPECT_TRUE(rows_conflict(RowAction::upsert, RowAction::insert));
    EXPECT_FALSE(rows_conflict(RowAction::update, RowAction::insert)) << "FOR UPDATE does not change the row";
    EXPECT_FALSE(rows_conflict(RowAction::insert, RowAction::update)) << "nobody else sees it yet";
    EXPECT_FALSE(rows_conflict(RowAction::insert, RowAction::key_share));
    EXPECT_TRUE(locks_exclude(LockKind::row, of(RowAction::insert), of(RowAction::update)));
}

TEST(lock_order, what_is_held_covers_what_is_weaker) {
    EXPECT_TRUE(row_covers(RowAction::write, RowAction::write));
    EXPECT_TRUE(row_covers(RowAction::write, RowAction::no_key_update));
    EXPECT_TRUE(row_covers(RowAction::write_key, RowAction::share));
    EXPECT_TRUE(row_covers(RowAction::upsert, RowAction::write));
    EXPECT_TRUE(row_covers(RowAction::insert, RowAction::write_key)) << "its own new row";
    EXPECT_FALSE(row_covers(RowAction::no_key_update, RowAction::write)) << "writing keeps others from inserting";
    EXPECT_FALSE(row_covers(RowAction::share, RowAction::write));
    EXPECT_FALSE(row_covers(RowAction::share, RowAction::update));
    EXPECT_TRUE(lock_covers(LockKind::table, 8, 3));
    EXPECT_FALSE(lock_covers(LockKind::table, 5, 3)) << "SHARE and ROW EXCLUSIVE: neither holds the other";
    EXPECT_TRUE(lock_covers(LockKind::table, 6, 5));
}

LockStep row_step(uint64_t resource, RowAction mode, uint16_t level = 1) {
    LockStep step{};
    step.resource = resource;
    step.mode = of(mode);
    step.level = level;
    step.released = never_released;
    step.waits = true;
    return step;
}

std::string reported(const LockRecorder &recorder) {
    std::string text;
    for (const LockStep &step : recorder.steps()) {
        text += std::to_string(step.resource);
        if (step.released != never_released)
            text += "-" + std::to_string(step.released);
        text += " ";
    }
    return text;
}

TEST(lock_order, a_lock_that_is_held_is_no_step) {
    std::array<LockStep, 8> room;
    LockRecorder recorder{room};
    EXPECT_TRUE(recorder.add(row_step(1, RowAction::update)));
    EXPECT_FALSE(recorder.add(row_step(1, RowAction::no_key_update)));
    EXPECT_TRUE(recorder.add(row_step(2, RowAction::share)));
    EXPECT_TRUE(recorder.add(row_step(2, RowAction::update)));
    EXPECT_EQ(reported(recorder), "1 2 2 ");
}

TEST(lock_order, rolling_back_to_a_savepoint_gives_back) {
    std::array<LockStep, 8> room;
    LockRecorder recorder{room};
    recorder.add(row_step(1, RowAction::write, 1));
    recorder.add(row_step(2, RowAction::write, 2));
    recorder.add(row_step(3, RowAction::write, 3));
    recorder.roll_back(2);
    EXPECT_EQ(reported(recorder), "1 2-3 3-3 ");
    EXPECT_TRUE(recorder.add(row_step(2, RowAction::write, 1))) << "not held any more";
    EXPECT_EQ(reported(recorder), "1 2-3 3-3 2 ");
}

TEST(lock_order, a_released_savepoint_hands_its_locks_down) {
    std::array<LockStep, 8> room;
    LockRecorder recorder{room};
    recorder.add(row_step(1, RowAction::write, 2));
    recorder.add(row_step(2, RowAction::write, 3));
    recorder.commit(3);
    recorder.roll_back(3);
    EXPECT_EQ(reported(recorder), "1 2 ");
    recorder.roll_back(2);
    EXPECT_EQ(reported(recorder), "1-2 2-2 ");
}

TEST(lock_order, a_full_trace_ends) {
    std::array<LockStep, 2> room;
    LockRecorder recorder{room};
    recorder.add(row_step(1, RowAction::write));
    recorder.add(row_step(2, RowAction::write));
    EXPECT_FALSE(recorder.is_full());
    recorder.add(row_step(2, RowAction::write));
    EXPECT_FALSE(recorder.is_full());
    recorder.add(row_step(3, RowAction::write));
    EXPECT_TRUE(recorder.is_full());
    EXPECT_EQ(reported(recorder), "1 2 ");
}

TEST(lock_order, locks_of_the_session_outlive_a_savepoint) {
    std::array<LockStep, 8> room;
    LockRecorder recorder{room};
    recorder.add(row_step(1, RowAction::write, 2));
    LockStep advisory{};
    advisory.resource = 7;
    advisory.kind = LockKind::advisory;
    advisory.mode = 1;
    advisory.level = 2;
    advisory.released = never_released;
    advisory.for_session = true;
    recorder.add(advisory);
    recorder.roll_back(2);
    EXPECT_EQ(reported(recorder), "1-2 7 ");
    recorder.add(row_step(2, RowAction::write));
    recorder.release(recorder.find(7));
    EXPECT_EQ(reported(recorder), "1-2 7-3 2 ");
    EXPECT_EQ(recorder.find(7), nullptr);
    recorder.release(recorder.find(2), true);
    EXPECT_EQ(reported(recorder), "1-2 7-3 2-3 ");
}

// DELETE of a row that SKIP LOCKED has got: nobody else can be in the way any more.
TEST(lock_recorder, who_has_locked_the_row_does_not_wait_for_it_again) {
    std::array<LockStep, 4> room{};
    LockRecorder recorder(room);
    LockStep step{};
    step.resource = 7;
    step.kind = LockKind::row;
    step.released = never_released;
    step.mode = of(RowAction::update);
    ASSERT_TRUE(recorder.add(step));
    step.mode = of(RowAction::write_key);
    step.waits = true;
    ASSERT_TRUE(recorder.add(step));
    EXPECT_FALSE(recorder.steps()[1].waits);
    recorder.clear();
    step.mode = of(RowAction::share);
    ASSERT_TRUE(recorder.add(step));
    step.mode = of(RowAction::write_key);
    ASSERT_TRUE(recorder.add(step));
    EXPECT_TRUE(recorder.steps()[1].waits); // for others that share it
}

} // namespace
} // namespace dbperf::deadlock_prediction
