// Depth first, each process once: its length is one more than the longest of those in its way.
#include "lock_waits/wait_chains.h"

#include <algorithm>

namespace dbperf::lock_waits {
using namespace deadlocks;

namespace {

constexpr uint32_t unknown = 0;
constexpr uint32_t being_measured = UINT32_MAX;

struct Search {
    std::span<const LockInstance> locks;
    std::span<Chain> chains;

    Chain *find(int32_t pid) const {
        const auto found =
            std::find_if(chains.begin(), chains.end(), [pid](const Chain &chain) { return chain.pid == pid; });
        return found == chains.end() ? nullptr : &*found;
    }

    // Who is in the way is better to name if it holds the lock, and better still if it waits for nobody itself.
    int rank(const LockInstance &one, const LockInstance &waiter) const {
        return (holds_against(one, waiter.awaited) ? 2 : 0) + (find(one.pid) ? 0 : 1);
    }

    void measure(Chain *chain) const {
        chain->length = being_measured;
        const LockInstance &waiter = locks[chain->waits];
        uint32_t longest = 0;
        int best = -1;
        for (const LockInstance &one : locks) {
            if (!blocks(one, waiter))
                continue;
            if (const int rank_of_one = rank(one, waiter); rank_of_one > best) {
                best = rank_of_one;
                chain->blocker = one.pid;
            }
            Chain *before = find(one.pid);
            if (before && before->length == unknown)
                measure(before);
            const bool closes_circle = before && before->length == being_measured;
            const uint32_t length = !before || closes_circle ? 1 : before->length;
            if (length > longest) {
                longest = length;
                chain->head = !before || closes_circle ? one.pid : before->head;
            }
        }
        chain->length = longest + 1;
    }
};

} // namespace

size_t find_chains(std::span<const LockInstance> locks, std::span<Chain> chains) {
    size_t count = 0;
    for (size_t i = 0; i < locks.size() && count < chains.size(); ++i) {
        const Search known{locks, chains.first(count)};
        if (locks[i].awaited != 0 && !known.find(locks[i].pid))
            chains[count++] = {locks[i].pid, nobody, nobody, unknown, static_cast<uint32_t>(i)};
    }
    const Search search{locks, chains.first(count)};
    for (Chain &chain : search.chains)
        if (chain.length == unknown)
            search.measure(&chain);
    std::sort(search.chains.begin(), search.chains.end(), [](const Chain &one, const Chain &other) {
        return one.length != other.length ? one.length < other.length : one.pid < other.pid;
    });
    return count;
}

} // namespace dbperf::lock_waits
