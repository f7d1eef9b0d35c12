// A breadth-first search from the members; every round finds those behind the last one found.
#include "deadlocks/wait_queue.h"

#include <algorithm>

namespace dbperf::deadlocks {
using namespace core;

bool holds_against(const LockInstance &holder, int mode) {
    for (int held = 1; held <= max_table_mode; ++held)
        if ((holder.held >> held & 1) != 0 && table_modes_conflict(held, mode))
            return true;
    return false;
}

bool blocks(const LockInstance &one, const LockInstance &waiter) {
    return one.pid != waiter.pid && one.lock == waiter.lock &&
           (holds_against(one, waiter.awaited) || (one.awaited != 0 && one.wait_start < waiter.wait_start &&
                                                   table_modes_conflict(one.awaited, waiter.awaited)));
}

size_t find_bystanders(std::span<const LockInstance> locks, std::span<const int32_t> members,
                       std::span<Bystander> bystanders) {
    size_t found = 0;
    const auto known = [&](int32_t pid) {
        return std::find(members.begin(), members.end(), pid) != members.end() ||
               std::any_of(bystanders.begin(), bystanders.begin() + static_cast<std::ptrdiff_t>(found),
                           [pid](const Bystander &each) { return each.pid == pid; });
    };
    for (size_t next = 0; next < members.size() + found; ++next) {
        const int32_t blocker = next < members.size() ? members[next] : bystanders[next - members.size()].pid;
        for (const LockInstance &waiter : locks) {
            if (found == bystanders.size())
                return found;
            if (waiter.awaited == 0 || known(waiter.pid))
                continue;
            const bool behind = std::any_of(locks.begin(), locks.end(), [&](const LockInstance &one) {
                return one.pid == blocker && blocks(one, waiter);
            });
            if (behind)
                bystanders[found++] = {waiter.pid, blocker, waiter.lock, waiter.awaited, {}, waiter.wait_start};
        }
    }
    return found;
}

} // namespace dbperf::deadlocks
