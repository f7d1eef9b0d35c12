// Trails of any content: what is reported of them is one of their entries, of the right kind.
#include "deadlocks/deadlock_story.h"

#include <fuzz/target.h>

#include <vector>

#include "deadlocks/wait_queue.h"

using namespace dbperf::core;
using namespace dbperf::deadlocks;

namespace {

constexpr LockType types[] = {LockType::relation,          LockType::tuple,  LockType::transaction,
                              LockType::advisory,          LockType::object, LockType::virtual_transaction,
                              LockType::speculative_token, LockType::none};

LockTag tag_of(fuzz::Input &input) {
    return {1, input.below(3), input.below(2), 0, input.one_of(types), 1};
}

std::vector<TrailEntry> trail_of(fuzz::Input &input) {
    std::vector<TrailEntry> trail(input.below(8));
    uint32_t step = 1;
    for (TrailEntry &entry : trail) {
        entry.first = input.flag();
        step += entry.first;
        entry.step = step;
        entry.lock = tag_of(input);
        entry.table_mode = static_cast<uint8_t>(input.below(9));
        entry.row_mode = static_cast<RowLockMode>(input.below(6));
        entry.level = static_cast<uint8_t>(input.below(3));
        entry.running = input.flag();
        entry.released = input.flag();
        entry.several = input.flag();
        // A key may fill all of its room, the zero included.
        const uint32_t length = input.flag() ? 0 : input.below(sizeof entry.key);
        std::fill_n(entry.key, length, static_cast<char>('a' + input.below(2)));
    }
    return trail;
}

} // namespace

FUZZ_PART(deadlock_story) {
    DeadlockMember waiter{};
    waiter.waits_for = tag_of(input);
    waiter.row = tag_of(input);
    waiter.mode = static_cast<uint8_t>(input.below(9));
    const std::vector<TrailEntry> waiters = trail_of(input), blockers = trail_of(input);
    const int32_t waiting = waiting_entry(waiters);
    FUZZ_CHECK(waiting >= -1 && waiting < static_cast<int32_t>(waiters.size()));
    FUZZ_CHECK(waiting < 0 ||
               (waiters[static_cast<size_t>(waiting)].running && waiters[static_cast<size_t>(waiting)].first));
    const HoldingStep holding = holding_step(waiter, waiters, blockers);
    FUZZ_CHECK((holding.entry < 0) == (holding.evidence == Evidence::none));
    FUZZ_CHECK(holding.entry < static_cast<int32_t>(blockers.size()));
    if (holding.entry >= 0)
        FUZZ_CHECK(!blockers[static_cast<size_t>(holding.entry)].released);
}

// Who is found waits, is no member, is found once, and waits for somebody who is a member or was found before.
FUZZ_PART(wait_queue) {
    std::vector<Bystander> found(input.below(8));
    std::vector<int32_t> members(1 + input.below(3));
    for (int32_t &member : members)
        member = static_cast<int32_t>(input.below(8));
    std::vector<LockInstance> locks;
    while (input.left() > 0 && locks.size() < 40) {
        LockInstance lock{};
        lock.lock = tag_of(input);
        lock.pid = static_cast<int32_t>(input.below(8));
        lock.held = static_cast<uint16_t>(input.below(512));
        lock.awaited = static_cast<uint8_t>(input.below(9));
        lock.wait_start = input.byte();
        locks.push_back(lock);
    }
    const size_t count = find_bystanders(locks, members, found);
    FUZZ_CHECK(count <= found.size());
    const auto is_member = [&](int32_t pid) { return std::find(members.begin(), members.end(), pid) != members.end(); };
    for (size_t i = 0; i < count; ++i) {
        bool known = is_member(found[i].blocked_by);
        for (size_t k = 0; k < i; ++k) {
            known = known || found[k].pid == found[i].blocked_by;
            FUZZ_CHECK(found[k].pid != found[i].pid);
        }
        FUZZ_CHECK(known && !is_member(found[i].pid) && found[i].mode != 0);
    }
}
