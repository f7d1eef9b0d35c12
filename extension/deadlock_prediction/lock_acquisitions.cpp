#include "core/pg.h"

#include "deadlock_prediction/lock_acquisitions.h"

#include <array>

#include "core/compat.h"
#include "core/guard.h"
#include "deadlock_prediction/held_locks.h"
#include "deadlock_prediction/lock_trace_relation.h"

namespace dbperf::deadlock_prediction::lock_trace::acquisitions {
using namespace core;

namespace {

// Modes known to be held, by relation: open addressing.
struct Known {
    Oid relation;
    LOCKMASK modes;
};
constexpr size_t max_known = 1024;
constexpr size_t max_pending = 256;

struct Pending {
    Oid relation;
    uint8 mode;
};

std::array<Known, max_known * 2> known;
size_t known_count = 0;
std::array<Pending, max_pending> pending;
size_t pending_count = 0;
Watch watch{};
uint64 watched_transaction = 0;
bool pause_is_due = false;
object_access_hook_type next_object_access = nullptr;

// No relation has these numbers before the server has used four billion.
Oid own_message() {
    return static_cast<Oid>(0xfff80000u + static_cast<uint32>(compat::number_of_process()));
}

void send_message() {
    SharedInvalidationMessage message;
    memset(&message, 0, sizeof(message));
    message.rc.id = SHAREDINVALRELCACHE_ID;
    message.rc.dbId = MyDatabaseId;
    message.rc.relId = own_message();
    SendSharedInvalidMessages(&message, 1);
}

void forget() {
    known.fill({});
    known_count = 0;
    pending_count = 0;
    pause_is_due = false;
    watched_transaction = compat::local_transaction();
}

// Who has an index exclusively is in its table's way; catalogs cannot be read here.
bool is_where_to_pause(Oid relation, int mode) {
    if (mode != static_cast<int>(settings::pause.occurrence))
        return false;
    const RelationFacts *facts = known_facts(relation);
    return settings::pause.resource ==
           resource_of_table(facts && OidIsValid(facts->indexed) ? facts->indexed : relation);
}

// The strongest mode first: that is the one the statement asked for, when both are new.
void note(Oid relation, LOCKMASK held, bool is_news) {
    if (relation < FirstNormalObjectId || held == 0 || known_count == max_known)
        return;
    size_t at = relation % known.size();
    while (known[at].relation != InvalidOid && known[at].relation != relation)
        at = (at + 1) % known.size();
    Known &of = known[at];
    if (of.relation == InvalidOid) {
        of.relation = relation;
        ++known_count;
    }
    const LOCKMASK fresh = held & ~of.modes;
    of.modes |= held;
    for (int mode = AccessExclusiveLock; is_news && fresh != 0 && mode >= AccessShareLock; --mode)
        if ((fresh & LOCKBIT_ON(mode)) != 0 && pending_count < max_pending) {
            pending[pending_count++] = {relation, static_cast<uint8>(mode)};
            pause_is_due |= unlikely(settings::pause.on) && is_where_to_pause(relation, mode);
        }
}

void look(bool is_news) {
    compat::visit_own_weak_locks([is_news](Oid relation, LOCKMASK held) { note(relation, held, is_news); });
    compat::visit_held_locks([is_news](const LOCKTAG &tag, LOCKMASK held) {
        if (tag.locktag_type == LOCKTAG_RELATION && tag.locktag_field1 == MyDatabaseId)
            note(tag.locktag_field2, held, is_news);
    });
}

// Also called for what others changed: then, too, something may have been locked just before.
void message_arrived(Datum, Oid relation) {
    if (likely(!watch.on) || (OidIsValid(relation) && relation != own_message()))
        return;
    // A command that commits on its way begins anew, with what its session holds.
    if (watched_transaction != compat::local_transaction()) {
        forget();
        look(false);
    } else {
        look(true);
    }
    send_message();
    if (unlikely(pause_is_due) && !trace.paused) {
        pause_is_due = false;
        pause();
    }
}

// Names are looked up while what is dropped is still there.
void object_accessed(ObjectAccessType access, Oid catalog, Oid object, int part, void *argument) {
    if (next_object_access)
        next_object_access(access, catalog, object, part, argument);
    if (watch.on && access == OAT_DROP && catalog == RelationRelationId && part == 0 && object >= FirstNormalObjectId)
        facts_of(object);
}

void arm() {
    static bool registered = false;
    if (!registered)
        CacheRegisterRelcacheCallback(message_arrived, Datum{0});
    registered = true;
    if (object_access_hook != object_accessed) {
        next_object_access = object_access_hook;
        object_access_hook = object_accessed;
    }
    send_message();
}

void disarm() {
    if (object_access_hook == object_accessed)
        object_access_hook = next_object_access;
}

void go_back(const Watch &before) {
    pending_count = 0;
    watch = before;
    if (!watch.on)
        disarm();
}

} // namespace

Watch begin(const Source &source, bool waits) {
    const Watch before = watch;
    if (before.on) {
        settle();
    } else {
        forget();
        look(false);
    }
    watch = {source, waits, true};
    watch.source.followed = true;
    if (!before.on)
        arm();
    return before;
}

void settle() {
    if (!watch.on)
        return;
    if (!active() || watched_transaction != compat::local_transaction()) {
        pending_count = 0;
        return;
    }
    look(true);
    const size_t count = pending_count;
    for (size_t i = 0; i < count; ++i)
        take_relation(&watch.source, pending[i].relation, pending[i].mode, watch.waits);
    pending_count = 0;
}

void end(const Watch &before) {
    settle();
    go_back(before);
}

void abandon(const Watch &before) {
    go_back(before);
}

} // namespace dbperf::deadlock_prediction::lock_trace::acquisitions
