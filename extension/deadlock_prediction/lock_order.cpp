// Conflict table of rows as in the server's heapam (tuple lock modes); that of tables is in lock_mode.h.
#include "deadlock_prediction/lock_order.h"

#include "core/lock_mode.h"

namespace dbperf::deadlock_prediction {
using namespace core;

namespace {

constexpr uint16_t bit(int mode) {
    return static_cast<uint16_t>(1u << mode);
}

// 0: none, 1: KEY SHARE, 2: SHARE, 3: NO KEY UPDATE, 4: UPDATE.
constexpr int strength_of(RowMode mode) {
    switch (mode) {
    case RowMode::key_share:
        return 1;
    case RowMode::share:
        return 2;
    case RowMode::no_key_update:
    case RowMode::write:
    case RowMode::upsert:
        return 3;
    case RowMode::update:
    case RowMode::write_key:
    case RowMode::upsert_key:
        return 4;
    default:
        return 0;
    }
}

constexpr bool writes(RowMode mode) {
    return mode == RowMode::write || mode == RowMode::write_key || mode == RowMode::upsert ||
           mode == RowMode::upsert_key;
}

constexpr bool inserts(RowMode mode) {
    return mode == RowMode::insert || mode == RowMode::upsert || mode == RowMode::upsert_key;
}

constexpr bool row_conflicts(RowMode held, RowMode wanted) {
    const int a = strength_of(held), b = strength_of(wanted);
    if (a != 0 && b != 0 && (a == 4 || b == 4 || (a + b >= 5 && a >= 2 && b >= 2)))
        return true;
    return inserts(wanted) && (held == RowMode::insert || writes(held));
}

constexpr bool computed(LockKind kind, int held, int wanted) {
    switch (kind) {
    case LockKind::row:
        return row_conflicts(static_cast<RowMode>(held), static_cast<RowMode>(wanted));
    case LockKind::table:
        return table_modes_conflict(held, wanted);
    case LockKind::advisory:
        return held < 2 && wanted < 2 && (held == 1 || wanted == 1);
    }
    return false;
}

using Masks = std::array<std::array<uint16_t, most_lock_modes>, 3>;

constexpr Masks masks(bool of_held) {
    Masks result{};
    for (int kind = 0; kind < 3; ++kind)
        for (int a = 0; a < most_lock_modes; ++a)
            for (int b = 0; b < most_lock_modes; ++b)
                if (computed(static_cast<LockKind>(kind), of_held ? a : b, of_held ? b : a))
                    result[static_cast<size_t>(kind)][static_cast<size_t>(a)] |= bit(b);
    return result;
}

constexpr Masks kept_waiting = masks(true);
constexpr Masks waited_for = masks(false);

} // namespace

uint16_t modes_kept_waiting(LockKind kind, uint8_t held) {
    return kept_waiting[static_cast<size_t>(kind)][held];
}

uint16_t modes_waited_for(LockKind kind, uint8_t wanted) {
    return waited_for[static_cast<size_t>(kind)][wanted];
}

bool lock_conflicts(LockKind kind, uint8_t held, uint8_t wanted) {
    return (modes_kept_waiting(kind, held) & bit(wanted)) != 0;
}

bool locks_exclude(LockKind kind, uint8_t a, uint8_t b) {
    constexpr auto insert = static_cast<uint8_t>(RowMode::insert);
    if (kind == LockKind::row && (a == insert || b == insert))
        return true;
    return lock_conflicts(kind, a, b) || lock_conflicts(kind, b, a);
}

bool lock_covers(LockKind kind, uint8_t held, uint8_t wanted) {
    if (kind == LockKind::row && held == static_cast<uint8_t>(RowMode::insert))
        return true;
    const uint16_t excluded = modes_kept_waiting(kind, held) | modes_waited_for(kind, held);
    return (modes_waited_for(kind, wanted) & ~excluded) == 0 &&
           (modes_kept_waiting(kind, wanted) & ~modes_kept_waiting(kind, held)) == 0;
}

bool LockRecorder::add(const LockStep &step) {
    if (is_full_)
        return false;
    const uint64_t bit = known_bit(step.resource);
    for (uint16_t i = (known_ & bit) == 0 ? 0 : count_; i-- > 0;) {
        const LockStep &other = steps_[i];
        if (other.resource == step.resource && other.released == never_released && other.kind == step.kind &&
            lock_covers(step.kind, other.mode, step.mode))
            return false;
    }
    if (count_ == steps_.size()) {
        is_full_ = true;
        return false;
    }
    known_ |= bit;
    steps_[count_++] = step;
    return true;
}

void LockRecorder::roll_back(uint16_t level) {
    for (uint16_t i = 0; i < count_; ++i)
        if (steps_[i].level >= level && steps_[i].released == never_released && !steps_[i].for_session)
            steps_[i].released = count_;
}

void LockRecorder::commit(uint16_t level) {
    for (uint16_t i = count_; i-- > 0;)
        if (steps_[i].level >= level)
            steps_[i].level = static_cast<uint16_t>(level - 1);
}

LockStep *LockRecorder::find(uint64_t resource) {
    for (uint16_t i = (known_ & known_bit(resource)) == 0 ? 0 : count_; i-- > 0;)
        if (steps_[i].resource == resource && steps_[i].released == never_released)
            return &steps_[i];
    return nullptr;
}

void LockRecorder::release(LockStep *step, bool at_once) {
    step->released = at_once ? static_cast<uint16_t>(step - steps_.data() + 1) : count_;
}

} // namespace dbperf::deadlock_prediction
