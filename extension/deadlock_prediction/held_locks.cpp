#include "core/pg.h"

#include "deadlock_prediction/held_locks.h"

#include <algorithm>
#include <array>
#include <climits>

#include "core/hash.h"
#include "deadlock_prediction/lock_trace_advisory.h"

namespace dbperf::deadlock_prediction::lock_trace {
using namespace core;

namespace {

struct OwnLock {
    LOCKTAG tag;
    LOCKMASK held;
    int rank; // the earlier the lower
    bool waits;
};

constexpr size_t max_read = 128;
std::array<OwnLock, max_read> own;

bool is_of_interest(const LOCKTAG &tag) {
    return tag.locktag_field1 == MyDatabaseId &&
           (tag.locktag_type == LOCKTAG_ADVISORY ||
            (tag.locktag_type == LOCKTAG_RELATION && tag.locktag_field2 >= FirstNormalObjectId));
}

size_t read_table() {
    size_t count = 0;
    compat::visit_held_locks([&count](const LOCKTAG &tag, LOCKMASK held) {
        if (is_of_interest(tag) && held != 0 && count < own.size())
            own[count++] = {tag, held, 0, true};
    });
    return count;
}

uint64 resource_of(const LOCKTAG &tag) {
    return tag.locktag_type == LOCKTAG_RELATION
               ? resource_of_table(tag.locktag_field2)
               : advisory::resource_of(tag.locktag_field2, tag.locktag_field3, tag.locktag_field4);
}

// What is unlocked, or was rolled back, is gone.
void release_missing(size_t count) {
    for (const LockStep &step : trace.recorder.steps()) {
        if (step.kind != LockKind::advisory || step.released != never_released)
            continue;
        const bool there = std::any_of(own.begin(), own.begin() + count, [&step](const OwnLock &lock) {
            return lock.tag.locktag_type == LOCKTAG_ADVISORY && resource_of(lock.tag) == step.resource;
        });
        if (!there)
            trace.recorder.release(trace.recorder.find(step.resource));
    }
}

void take_advisory(Source *source, const OwnLock &lock) {
    LockStep step{};
    step.resource = resource_of(lock.tag);
    step.kind = LockKind::advisory;
    step.detail = static_cast<uint64>(lock.tag.locktag_field2) << 32 | lock.tag.locktag_field3;
    step.detail_kind = lock.tag.locktag_field4 == 1 ? LockDetail::advisory_one : LockDetail::advisory_two;
    step.waits = lock.waits;
    step.for_session = true;
    const bool exclusive = (lock.held & LOCKBIT_ON(ExclusiveLock)) != 0;
    step.mode = static_cast<uint8_t>(exclusive ? AdvisoryMode::exclusive : AdvisoryMode::share);
    take(source, step);
}

// One statement takes its strongest lock first, and weaker ones in what it calls.
void take_modes(Source *source, const OwnLock &lock) {
    for (int mode = AccessExclusiveLock; mode >= AccessShareLock; --mode)
        if ((lock.held & LOCKBIT_ON(mode)) != 0)
            take_table(source, lock.tag.locktag_field2, mode, lock.waits);
}

} // namespace

void read_held_locks(Source *source, std::span<const Oid> order, const QueryDesc *query, bool waits) {
    const size_t count = read_table();
    trace.held_locks = compat::held_locks_mark();
    release_missing(count);
    advisory::Calls calls{};
    for (size_t i = 0; i < count; ++i) {
        OwnLock &lock = own[i];
        lock.rank = INT_MAX;
        lock.waits = waits;
        if (lock.tag.locktag_type == LOCKTAG_RELATION) {
            for (size_t k = 0; k < order.size() && lock.rank == INT_MAX; ++k)
                if (order[k] == lock.tag.locktag_field2)
                    lock.rank = static_cast<int>(k);
        } else if (!trace.recorder.find(resource_of(lock.tag))) {
            if (query && !calls.read)
                advisory::read_calls(query, &calls);
            if (waits)
                lock.rank = advisory::rank_of(calls, lock.tag.locktag_field2, lock.tag.locktag_field3,
                                              lock.tag.locktag_field4, &lock.waits);
        }
    }
    // By what is known of the order, else by age, which numbers of tables have.
    std::sort(own.begin(), own.begin() + count, [](const OwnLock &a, const OwnLock &b) {
        return a.rank != b.rank ? a.rank < b.rank : memcmp(&a.tag, &b.tag, sizeof(LOCKTAG)) < 0;
    });
    for (size_t i = 0; i < count; ++i)
        if (own[i].tag.locktag_type == LOCKTAG_RELATION)
            take_modes(source, own[i]);
        else
            take_advisory(source, own[i]);
}

} // namespace dbperf::deadlock_prediction::lock_trace
