// Transactions of a few steps on a few resources: what is found is a cycle by the definition, and of two members none
// is missed.
#include "deadlock_prediction/lock_cycles.h"

#include <fuzz/target.h>

#include <deque>
#include <vector>

#include "deadlock_prediction/possible_locks.h"

using namespace dbperf::deadlock_prediction;

namespace {

struct Transactions {
    std::deque<std::vector<LockStep>> rooms;
    std::deque<std::vector<uint64_t>> statements;
    std::vector<LockTrace> traces;
};

LockStep step_of(fuzz::Input &input) {
    LockStep step{};
    step.kind = static_cast<LockKind>(input.below(3));
    step.mode = static_cast<uint8_t>(step.kind == LockKind::row ? input.below(static_cast<uint32_t>(RowAction::count))
                                     : step.kind == LockKind::table ? 1 + input.below(8)
                                                                    : input.below(2));
    const uint32_t what = input.byte();
    step.resource = what & 3u;
    step.resource <<= 60; // where the recorder's quick answer looks
    step.object = what >> 2 & 1u;
    step.waits = (what >> 3 & 3u) != 0;
    step.for_session = (what >> 5 & 7u) == 0;
    step.detail = input.below(4);
    step.detail_kind = (what & 16u) != 0 ? LockDetail::integer : LockDetail::none;
    step.released = never_released;
    return step;
}

void add_transaction(Transactions &all, fuzz::Input &input) {
    std::vector<LockStep> &room = all.rooms.emplace_back(1 + input.below(12));
    std::vector<uint64_t> &statements = all.statements.emplace_back();
    LockRecorder recorder{room};
    uint16_t level = 1;
    const uint32_t seen = 1 + input.below(3);
    for (uint32_t left = input.below(14); left > 0 && input.left() > 0; --left) {
        const uint32_t what = input.below(16);
        if (what == 0 && level < 4) {
            ++level;
        } else if (what == 1 && level > 1) {
            recorder.roll_back(level--);
        } else if (what == 2 && level > 1) {
            recorder.commit(level--);
        } else if (what == 3) {
            if (LockStep *held = recorder.find(uint64_t{input.below(4)} << 60))
                recorder.release(held, input.flag());
        } else {
            LockStep step = step_of(input);
            step.level = level;
            step.statement = static_cast<uint16_t>(statements.size());
            statements.push_back(1 + input.below(6));
            recorder.add(step);
        }
    }
    FUZZ_CHECK(recorder.steps().size() <= room.size());
    all.traces.push_back({recorder.steps(), statements, seen});
}

bool is_held(const LockTrace &trace, size_t step, size_t at) {
    return step < at && trace.steps[step].released > at;
}
bool same(const LockStep &a, const LockStep &b) {
    return a.kind == b.kind && a.resource == b.resource;
}

// Whether both can have come to their requests.
bool can_meet(const LockTrace &a, size_t at_a, const LockTrace &b, size_t at_b) {
    for (size_t i = 0; i < at_a; ++i)
        for (size_t k = 0; k < at_b; ++k)
            if (is_held(a, i, at_a) && is_held(b, k, at_b) && same(a.steps[i], b.steps[k]) &&
                locks_exclude(a.steps[i].kind, a.steps[i].mode, b.steps[k].mode))
                return false;
    return true;
}

bool waits_for(const LockStep &requested, const LockStep &held) {
    return requested.waits && same(requested, held) && lock_conflicts(held.kind, held.mode, requested.mode);
}

void check_cycle(const std::vector<LockTrace> &traces, const LockCycle &cycle) {
    FUZZ_CHECK(cycle.length >= 2 && cycle.length <= max_cycle_members && cycle.shape != 0);
    for (uint32_t i = 0; i < cycle.length; ++i) {
        const CycleMember &member = cycle.members[i], &next = cycle.members[(i + 1) % cycle.length];
        const LockTrace &trace = traces[member.trace];
        FUZZ_CHECK(is_held(trace, member.held, member.requested));
        FUZZ_CHECK(waits_for(trace.steps[member.requested], traces[next.trace].steps[next.held]));
        for (uint32_t k = 0; k < i; ++k) {
            const CycleMember &other = cycle.members[k];
            FUZZ_CHECK(can_meet(trace, member.requested, traces[other.trace], other.requested));
            FUZZ_CHECK(member.trace != other.trace || trace.seen > 1 || cycle.length > 2);
        }
    }
}

bool has_pair(const std::vector<LockTrace> &traces) {
    for (size_t a = 0; a < traces.size(); ++a)
        for (size_t b = a; b < traces.size(); ++b)
            for (size_t i = 0; (a != b || traces[a].seen > 1) && i < traces[a].steps.size(); ++i)
                for (size_t k = 0; k < traces[b].steps.size(); ++k) {
                    bool a_waits = false, b_waits = false;
                    for (size_t held = 0; held < k; ++held)
                        a_waits |= is_held(traces[b], held, k) && waits_for(traces[a].steps[i], traces[b].steps[held]);
                    for (size_t held = 0; held < i; ++held)
                        b_waits |= is_held(traces[a], held, i) && waits_for(traces[b].steps[k], traces[a].steps[held]);
                    if (a_waits && b_waits && can_meet(traces[a], i, traces[b], k))
                        return true;
                }
    return false;
}

} // namespace

FUZZ_PART(lock_cycles) {
    const size_t most = 1 + input.below(40), memory = input.flag() ? input.below(20000) : 100000;
    const uint64_t work = input.flag() ? input.below(3000) : 100'000'000;
    Transactions all;
    while (input.left() > 0 && all.traces.size() < 5)
        add_transaction(all, input);
    std::vector<std::byte> room(memory);
    std::vector<LockCycle> cycles(most);
    const CycleSearch search = find_lock_cycles(all.traces, room, cycles, work);
    FUZZ_CHECK(search.count <= most);
    for (uint32_t i = 0; i < search.count; ++i) {
        check_cycle(all.traces, cycles[i]);
        FUZZ_CHECK(i == 0 || cycles[i - 1].length <= cycles[i].length);
        for (uint32_t k = 0; k < i; ++k)
            FUZZ_CHECK(cycles[k].shape != cycles[i].shape);
    }
    const bool pair = search.count > 0 && cycles[0].length == 2;
    FUZZ_CHECK(!search.complete || pair == has_pair(all.traces));
}

// Cycles of a table's rows in one order and against it.
FUZZ_PART(possible_locks) {
    Transactions all;
    while (input.left() > 0 && all.traces.size() < 5)
        add_transaction(all, input);
    std::vector<LockCycle> cycles(2);
    const uint32_t count = find_unordered_rows(all.traces, cycles);
    FUZZ_CHECK(count <= cycles.size());
    for (uint32_t i = 0; i < count; ++i) {
        const CycleMember &up = cycles[i].members[0], &down = cycles[i].members[1];
        for (const CycleMember *member : {&up, &down}) {
            const LockTrace &trace = all.traces[member->trace];
            FUZZ_CHECK(is_held(trace, member->held, member->requested) && trace.steps[member->requested].waits);
            const auto held = static_cast<int64_t>(trace.steps[member->held].detail);
            const auto requested = static_cast<int64_t>(trace.steps[member->requested].detail);
            FUZZ_CHECK(member == &up ? held < requested : held > requested);
        }
    }
    for (size_t i = 0; i < all.traces.size(); ++i) {
        const std::vector<LockStep> before(all.traces[i].steps.begin(), all.traces[i].steps.end());
        std::vector<LockStep> merged = before;
        merge_rows(merged, all.statements[i]);
        for (size_t k = 0; k < merged.size(); ++k) {
            const bool row =
                merged[k].kind == LockKind::row && merged[k].mode != static_cast<uint8_t>(RowAction::insert);
            FUZZ_CHECK(row || merged[k].resource == before[k].resource);
        }
    }
}
