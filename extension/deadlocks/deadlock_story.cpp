// Waits for tables and advisory locks name what is locked. A wait for a row is a wait for a transaction's end: the row
// is what the waiting statement is about.
#include "deadlocks/deadlock_story.h"

#include <string_view>

namespace dbperf::deadlocks {
using namespace core;

namespace {

int32_t number_of(std::span<const TrailEntry> trail, const TrailEntry &entry) {
    return static_cast<int32_t>(&entry - trail.data());
}

bool same_relation(const TrailEntry &one, const TrailEntry &other) {
    return one.lock == other.lock && one.lock.type == LockType::relation;
}

template <typename IsHeld>
HoldingStep first_that(std::span<const TrailEntry> trail, Evidence evidence, IsHeld is_held) {
    for (const TrailEntry &entry : trail)
        if (!entry.released && is_held(entry))
            return {number_of(trail, entry), evidence};
    return {-1, Evidence::none};
}

HoldingStep holder_of_row(const TrailEntry *wanted, std::span<const TrailEntry> trail) {
    HoldingStep found{-1, Evidence::none};
    const auto conflicts = [wanted](const TrailEntry &entry) {
        return wanted && same_relation(entry, *wanted) && row_modes_conflict(entry.row_mode, wanted->row_mode);
    };
    if (wanted && wanted->key[0] != '\0')
        found = first_that(trail, Evidence::exact, [&](const TrailEntry &entry) {
            return conflicts(entry) && std::string_view(entry.key) == wanted->key;
        });
    // One of many rows, or one by another column than the key.
    if (found.entry < 0)
        found = first_that(trail, Evidence::likely, [&](const TrailEntry &entry) {
            return conflicts(entry) && (entry.several || entry.key[0] == '\0' || !wanted || wanted->key[0] == '\0');
        });
    if (found.entry < 0)
        found = first_that(trail, Evidence::likely, conflicts);
    // A partition, or a row that a trigger or a cascade locked.
    if (found.entry < 0)
        found = first_that(trail, Evidence::likely,
                           [](const TrailEntry &entry) { return entry.row_mode != RowLockMode::none; });
    return found;
}

} // namespace

int32_t waiting_entry(std::span<const TrailEntry> trail) {
    int32_t found = -1;
    for (const TrailEntry &entry : trail)
        if (entry.running && entry.first && (found < 0 || entry.level >= trail[static_cast<size_t>(found)].level))
            found = number_of(trail, entry);
    return found;
}

HoldingStep holding_step(const DeadlockMember &waiter, std::span<const TrailEntry> waiters_trail,
                         std::span<const TrailEntry> blockers_trail) {
    const int32_t waiting = waiting_entry(waiters_trail);
    const LockTag &lock = waiter.waits_for;
    switch (lock.type) {
    case LockType::transaction:
    case LockType::speculative_token: {
        // With several tables in one statement, the row's own shows which of them it is about.
        const TrailEntry *wanted = nullptr;
        for (const TrailEntry &entry : waiters_trail)
            if (waiting >= 0 && entry.step == waiters_trail[static_cast<size_t>(waiting)].step &&
                entry.row_mode != RowLockMode::none &&
                (waiter.row.type != LockType::tuple ||
                 (entry.lock.type == LockType::relation && entry.lock.field2 == waiter.row.field2))) {
                wanted = &entry;
                break;
            }
        return holder_of_row(wanted, blockers_trail);
    }
    case LockType::tuple:
        // Whoever holds a row's own lock is first in the queue for it, with the statement it executes now.
        return first_that(blockers_trail, Evidence::likely, [&lock](const TrailEntry &entry) {
            return entry.running && entry.lock.type == LockType::relation && entry.lock.field2 == lock.field2;
        });
    case LockType::virtual_transaction:
        return first_that(blockers_trail, Evidence::likely, [](const TrailEntry &) { return true; });
    case LockType::none:
        return {-1, Evidence::none};
    default:
        return first_that(blockers_trail, Evidence::exact, [&](const TrailEntry &entry) {
            return entry.lock == lock && table_modes_conflict(entry.table_mode, waiter.mode);
        });
    }
}

} // namespace dbperf::deadlocks
