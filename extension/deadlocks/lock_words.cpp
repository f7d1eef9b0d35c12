// The two ways to number an advisory lock differ in its last field.
#include "core/pg.h"

#include "deadlocks/lock_words.h"

namespace dbperf::deadlocks {
using namespace core;

const char *lock_words(const LockTag &lock, const char *relation) {
    switch (lock.type) {
    case LockType::relation:
        return relation;
    case LockType::tuple:
        return psprintf("row (%u,%u) of %s", lock.field3, lock.field4, relation);
    case LockType::page:
        return psprintf("page %u of %s", lock.field3, relation);
    case LockType::transaction:
    case LockType::speculative_token:
        return "end of a transaction";
    case LockType::virtual_transaction:
        return "end of a transaction, whatever it did";
    case LockType::object: {
        const char *catalog = get_rel_name(lock.field2);
        return psprintf("object %u of %s", lock.field3, catalog ? catalog : "an unknown catalog");
    }
    case LockType::advisory:
        if (lock.field4 == 1)
            return psprintf("advisory lock " INT64_FORMAT,
                            static_cast<int64>(static_cast<uint64>(lock.field2) << 32 | lock.field3));
        return psprintf("advisory lock (%d, %d)", static_cast<int32>(lock.field2), static_cast<int32>(lock.field3));
    default:
        return "unknown lock";
    }
}

} // namespace dbperf::deadlocks
