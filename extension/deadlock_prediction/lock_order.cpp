// Which modes conflict is in lock_mode.h; here is what inserting and writing a key add to that.
#include "deadlock_prediction/lock_order.h"

namespace dbperf::deadlock_prediction {
using namespace core;

namespace {

constexpr uint16_t bit(int mode) {
    return static_cast<uint16_t>(1u << mode);
}

constexpr bool writes(RowAction mode) {
    return mode == RowAction::write || mode == RowAction::write_key || mode == RowAction::upsert ||
           mode == RowAction::upsert_key;
}

constexpr bool inserts(RowAction mode) {
    return mode == RowAction::insert || mode == RowAction::upsert || mode == RowAction::upsert_key;
}

constexpr bool row_conflicts(RowAction held, RowAction wanted) {
    return row_modes_conflict(row_lock_of(held), row_lock_of(wanted)) ||
           (inserts(wanted) && (held == RowAction::insert || writes(held)));
}

constexpr bool computed(LockKind kind, int held, int wanted) {
    switch (kind) {
    case LockKind::row:
        return row_conflicts(static_cast<RowAction>(held), static_cast<RowAction>(wanted));
    case LockKind::table:
        return table_modes_conflict(held, wanted);
    case LockKind::advisory:
        return held < 2 && wanted < 2 && (held == 1 || wanted == 1);
    }
    return false;
}

using Masks = std::array<std::array<uint16_t, max_lock_modes>, 3>;

constexpr Masks masks(bool of_held) {
    Masks result{};
    for (int kind = 0; kind < 3; ++kind)
        for (int a = 0; a < max_lock_modes; ++a)
            for (int b = 0; b < max_lock_modes; ++b)
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
    constexpr auto insert = static_cast<uint8_t>(RowAction::insert);
    if (kind == LockKind::row && (a == insert || b == insert))
        return true;
    return lock_conflicts(kind, a, b) || lock_conflicts(kind, b, a);
}

namespace {

uint16_t modes_excluded(LockKind kind, uint8_t held) {
    return static_cast<uint16_t>(modes_kept_waiting(kind, held) | modes_waited_for(kind, held));
}

} // namespace

bool lock_covers(LockKind kind, uint8_t held, uint8_t wanted) {
    if (kind == LockKind::row && held == static_cast<uint8_t>(RowAction::insert))
        return true;
    return (modes_waited_for(kind, wanted) & ~modes_excluded(kind, held)) == 0 &&
           (modes_kept_waiting(kind, wanted) & ~modes_kept_waiting(kind, held)) == 0;
}

bool LockRecorder::add(const LockStep &step) {
    if (is_full_)
        return false;
    const uint64_t bit = known_bit(step.resource);
    uint16_t excluded = 0; // what nobody else can have now
    for (uint16_t i = (known_ & bit) == 0 ? 0 : count_; i-- > 0;) {
        const LockStep &other = steps_[i];
        if (other.resource != step.resource || other.released != never_released || other.kind != step.kind)
            continue;
        if (lock_covers(step.kind, other.mode, step.mode))
            return false;
        excluded |= modes_excluded(step.kind, other.mode);
    }
    if (count_ == steps_.size()) {
        is_full_ = true;
        return false;
    }
    known_ |= bit;
    steps_[count_] = step;
    // As after SKIP LOCKED: who has got the row does not wait for it any more.
    if (excluded != 0 && (modes_waited_for(step.kind, step.mode) & ~excluded) == 0)
        steps_[count_].waits = false;
    ++count_;
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
