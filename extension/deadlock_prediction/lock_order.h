// What one transaction locks, in order, and which locks stand in each other's way.
//
// A resource is whatever two transactions can meet at, as a hash: a row or the key of a unique index (one and the same:
// a row is known by its key), a table, an advisory lock. Knows nothing of how locks are observed.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/lock_mode.h"

namespace dbperf::deadlock_prediction {

enum class LockKind : uint8_t { row, table, advisory };

// What a step does with a row or key, and so locks. The first four are locks alone; who writes a row also stands in the
// way of who inserts its key, who locks it does not; a row that was inserted is invisible to all but those who insert
// the same key.
enum class RowAction : uint8_t {
    key_share,
    share,
    no_key_update,
    update,
    write,      // UPDATE of other columns
    write_key,  // DELETE, or UPDATE of a key
    insert,     // a key that was not there
    upsert,     // ON CONFLICT DO UPDATE met the row
    upsert_key, // ... and may change its key
    count
};

// Tables: 1 (ACCESS SHARE) to 8 (ACCESS EXCLUSIVE), as the server numbers them.
enum class AdvisoryMode : uint8_t { share, exclusive };

constexpr int max_lock_modes = 9;

// How the row is locked; a row that was not there is no lock of that kind.
constexpr core::RowLockMode row_lock_of(RowAction action) {
    switch (action) {
    case RowAction::key_share:
        return core::RowLockMode::key_share;
    case RowAction::share:
        return core::RowLockMode::share;
    case RowAction::no_key_update:
    case RowAction::write:
    case RowAction::upsert:
        return core::RowLockMode::no_key_update;
    case RowAction::update:
    case RowAction::write_key:
    case RowAction::upsert_key:
        return core::RowLockMode::update;
    default:
        return core::RowLockMode::none;
    }
}

// Whether who holds `held` keeps who wants `wanted` waiting.
bool lock_conflicts(LockKind kind, uint8_t held, uint8_t wanted);
// Modes, as bits, that who holds `held` keeps waiting; and those in whose way is who wants `wanted`.
uint16_t modes_kept_waiting(LockKind kind, uint8_t held);
uint16_t modes_waited_for(LockKind kind, uint8_t wanted);
// Whether two transactions cannot hold these at once; a row just inserted, nobody else can hold at all.
bool locks_exclude(LockKind kind, uint8_t a, uint8_t b);
// True if `held` is at least as strong as `wanted`.
bool lock_covers(LockKind kind, uint8_t held, uint8_t wanted);

// How `detail` of a step is to be read.
enum class LockDetail : uint8_t {
    none,
    integer,      // the row's first key, one integer column
    text,         // offset and, above bit 32, length in the trace's texts
    tuple,        // ctid of a row without a key: block << 16 | offset
    advisory_one, // pg_advisory_lock(bigint)
    advisory_two  // pg_advisory_lock(class << 32 | object)
};

constexpr uint16_t never_released = UINT16_MAX;

struct LockStep {
    uint64_t resource;
    uint64_t detail;    // for people
    uint32_t object;    // the relation
    uint16_t statement; // number within the transaction
    uint16_t released;  // step before which it was given back
    uint16_t level;     // of the subtransaction, 1: none
    LockKind kind;
    uint8_t mode;
    bool waits; // for who stands in the way
    LockDetail detail_kind;
    bool for_session : 1;   // not given back with a savepoint: an advisory lock that may be the session's
    bool for_check : 1;     // taken by the server's own check of a foreign key
    bool followed : 1;      // a table of a command, seen as it was locked
    bool with_previous : 1; // noted before the step before it was locked: nothing can stop between the two
    uint8_t sent;           // number of the client's statement around it; 0: not kept
};
static_assert(sizeof(LockStep) == 32);

// A transaction that has ended.
struct LockTrace {
    std::span<const LockStep> steps;
    std::span<const uint64_t> statements; // fingerprints, by number
    uint32_t seen;                        // how often exactly this was observed
};

// The steps of the transaction under way, over the caller's memory. What does not fit ends the trace: what comes later
// is not recorded either, so that every recorded request has all locks that were held before it.
class LockRecorder {
public:
    constexpr LockRecorder() = default;
    explicit constexpr LockRecorder(std::span<LockStep> room) : steps_(room) {}

    // False when the transaction holds as much already, or the trace is full.
    bool add(const LockStep &step);
    // Gives back what was taken in subtransactions of this level and above.
    void roll_back(uint16_t level);
    // Hands what was taken in subtransactions of this level to the one below.
    void commit(uint16_t level);
    // The step with which this is held; null when it is not.
    LockStep *find(uint64_t resource);
    // It was given back, as an advisory lock of the session can be; or never taken, when it is `at_once`.
    void release(LockStep *step, bool at_once = false);
    void clear() { count_ = 0, is_full_ = false, known_ = 0; }
    // Something will not be recorded: nothing that comes later is.
    void truncate() { is_full_ = true; }

    std::span<const LockStep> steps() const { return steps_.first(count_); }
    bool is_full() const { return is_full_; }
    bool empty() const { return count_ == 0; }

private:
    static constexpr uint64_t known_bit(uint64_t resource) { return uint64_t{1} << (resource >> 58); }

    std::span<LockStep> steps_;
    uint64_t known_ = 0; // what has no bit here is no step; most resources have one of their own
    uint16_t count_ = 0;
    bool is_full_ = false;
};

} // namespace dbperf::deadlock_prediction
