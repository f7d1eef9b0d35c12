#include "deadlock_prediction/possible_locks.h"

#include <algorithm>
#include <array>

#include "core/hash.h"

namespace dbperf::deadlock_prediction {
using namespace core;

namespace {

constexpr size_t max_classes = 256;

// Two rows, the first of them held while the second one is requested; trace none: not seen.
struct Pair {
    static constexpr uint32_t none = UINT32_MAX;
    CycleMember member{none, 0, 0};
    bool seen() const { return member.trace != none; }
};

// Rows of one table, reached by one statement.
struct RowClass {
    uint64_t hash;
    Pair upwards, downwards;
};

uint64_t class_of(const LockStep &step, std::span<const uint64_t> statements) {
    const uint64_t statement = step.statement < statements.size() ? statements[step.statement] : 0;
    return mix_bits(statement + mix_bits(step.object | uint64_t{1} << 33));
}

bool is_locked_row(const LockStep &step) {
    return step.kind == LockKind::row && step.mode != static_cast<uint8_t>(RowAction::insert);
}

// Whether what the members hold keeps them apart: they do not get to hold their rows both.
bool are_apart(const LockTrace &a, const CycleMember &of_a, const LockTrace &b, const CycleMember &of_b) {
    for (uint16_t i = 0; i < of_a.requested; ++i)
        for (uint16_t k = 0; k < of_b.requested; ++k) {
            const LockStep &first = a.steps[i], &second = b.steps[k];
            if (i != of_a.held && k != of_b.held && first.released > of_a.requested &&
                second.released > of_b.requested && first.kind == second.kind && first.resource == second.resource &&
                locks_exclude(first.kind, first.mode, second.mode))
                return true;
        }
    return false;
}

class Classes {
public:
    RowClass *find(uint64_t hash) {
        for (size_t i = 0; i < count_; ++i)
            if (all_[i].hash == hash)
                return &all_[i];
        if (count_ == all_.size())
            return nullptr;
        all_[count_] = {hash, {}, {}};
        return &all_[count_++];
    }
    std::span<const RowClass> all() const { return {all_.data(), count_}; }

private:
    std::array<RowClass, max_classes> all_;
    size_t count_ = 0;
};

void look_at(std::span<const LockTrace> traces, uint32_t number, Classes *classes) {
    const LockTrace &trace = traces[number];
    for (uint16_t j = 1; j < trace.steps.size(); ++j) {
        const LockStep &requested = trace.steps[j];
        if (!is_locked_row(requested) || !requested.waits || requested.detail_kind != LockDetail::integer)
            continue;
        const uint64_t hash = class_of(requested, trace.statements);
        for (uint16_t i = j; i-- > 0;) {
            const LockStep &held = trace.steps[i];
            if (!is_locked_row(held) || held.detail_kind != LockDetail::integer || held.detail == requested.detail ||
                held.released <= j || class_of(held, trace.statements) != hash ||
                !lock_conflicts(LockKind::row, held.mode, requested.mode))
                continue;
            RowClass *found = classes->find(hash);
            if (!found)
                return;
            Pair &pair = static_cast<int64_t>(held.detail) < static_cast<int64_t>(requested.detail) ? found->upwards
                                                                                                    : found->downwards;
            if (!pair.seen())
                pair.member = {number, i, j};
            break;
        }
    }
}

} // namespace

void merge_rows(std::span<LockStep> steps, std::span<const uint64_t> statements) {
    for (LockStep &step : steps)
        if (is_locked_row(step))
            step.resource = class_of(step, statements);
}

uint32_t find_unordered_rows(std::span<const LockTrace> traces, std::span<LockCycle> into) {
    Classes classes;
    for (uint32_t number = 0; number < traces.size(); ++number)
        look_at(traces, number, &classes);
    uint32_t count = 0;
    for (const RowClass &each : classes.all()) {
        if (!each.upwards.seen() || !each.downwards.seen() || count == into.size())
            continue;
        const CycleMember &up = each.upwards.member, &down = each.downwards.member;
        if (are_apart(traces[up.trace], up, traces[down.trace], down))
            continue;
        into[count++] = {each.hash, 2, {up, down}};
    }
    return count;
}

} // namespace dbperf::deadlock_prediction
