// By the trails of both. A statement that waits while it is parsed has left none: its text is what the session says it
// executes.
#include "core/pg.h"

#include "lock_waits/wait_description.h"

#include <algorithm>
#include <array>

#include "core/compat.h"
#include "core/hash.h"
#include "deadlocks/trail.h"
#include "lock_waits/session_status.h"
#include "statements/query_text.h"

namespace dbperf::lock_waits {
using namespace core;
using namespace deadlocks;
using namespace statements;

namespace {

// A session with its transaction, as far as it is known.
struct Party {
    std::array<TrailEntry, 1000> entries; // what dbperf.max_trail allows
    uint32 count;
    bool has_trail;
    trail::Head head;
    SessionStatus status;

    std::span<const TrailEntry> trail() const { return std::span(entries).first(count); }
    Oid role() const { return has_trail ? head.role : status.role; }

    void read(const PGPROC *process) {
        count = 0;
        has_trail = false;
        status = SessionStatus{};
        if (!process)
            return;
        status = read_status(process);
        has_trail = trail::copy(process, &head, entries, &count);
        if (!has_trail)
            count = 0;
    }
};

Party waiting;
Party blocking;

// Who is about to wait for the end of a transaction holds the lock of the row itself.
LockTag row_locked_by(PGPROC *process) {
    static LockTag row;
    row = no_lock;
    compat::visit_held_locks(process, [](const LOCKTAG &tag, LOCKMASK held) {
        if (tag.locktag_type == LOCKTAG_TUPLE && held != 0)
            memcpy(&row, &tag, sizeof(row));
    });
    return row;
}

bool is_for_a_row(const LockTag &lock) {
    return lock.type == LockType::tuple || lock.type == LockType::transaction ||
           lock.type == LockType::speculative_token;
}

const TrailEntry *entry_of(const Party &party, int32 number) {
    return number < 0 ? nullptr : &party.entries[static_cast<size_t>(number)];
}

// The lock of a row, in the statement that waits, that the wait is about.
const TrailEntry *wanted_row(const TrailEntry *statement, const LockTag &row) {
    if (!statement)
        return nullptr;
    for (const TrailEntry &entry : waiting.trail())
        if (entry.step == statement->step && entry.row_mode != RowLockMode::none &&
            (row.type != LockType::tuple || (entry.lock.type == LockType::relation && entry.lock.field2 == row.field2)))
            return &entry;
    return nullptr;
}

void name_relation(uint32 relation, WaitNames *names) {
    for (const Party *party : {&waiting, &blocking})
        for (const TrailEntry &entry : party->trail())
            if (relation != 0 && entry.lock.type == LockType::relation && entry.lock.field2 == relation &&
                entry.relation[0] != '\0') {
                strlcpy(names->relation, entry.relation, sizeof(names->relation));
                return;
            }
}

// Of the client's statement, and of the one inside it that waits.
void describe_statement(const TrailEntry *waits, WaitKey *key) {
    const auto trail = waiting.trail();
    const auto sent = std::find_if(trail.begin(), trail.end(), [](const TrailEntry &entry) {
        return entry.running && entry.first && entry.level == 0;
    });
    const bool is_known = sent != trail.end() && query_text::known(sent->fingerprint);
    const uint64 executed = is_known ? 0 : executed_statement(waiting.status);
    key->statement = sent != trail.end() ? sent->fingerprint : executed;
    if (waits && waits->level > 0 && waits->fingerprint != key->statement)
        key->inner = waits->fingerprint;
}

void describe_row(const LockInstance &wait, const LockTag &row, const TrailEntry *wanted, WaitDescription *into) {
    into->key.lock.type = LockType::tuple;
    into->key.lock.method = DEFAULT_LOCKMETHOD;
    if (row.type == LockType::tuple)
        into->key.lock.field2 = row.field2;
    else if (wanted && wanted->lock.type == LockType::relation)
        into->key.lock.field2 = wanted->lock.field2;
    if (wanted && wanted->key[0] != '\0')
        strlcpy(into->names.row_key, wanted->key, sizeof(into->names.row_key));
    else if (row.type == LockType::tuple)
        snprintf(into->names.row_key, sizeof(into->names.row_key), "ctid=(%u,%u)", row.field3, row.field4);
    if (into->names.row_key[0] != '\0')
        into->key.row = hash_text(into->names.row_key);
    if (wanted)
        into->key.row_mode = wanted->row_mode;
    else
        into->key.table_mode = wait.awaited;
}

void describe_blocker(const LockInstance &wait, const LockTag &row, WaitDescription *into) {
    DeadlockMember member{};
    member.pid = wait.pid;
    member.waits_for = wait.lock;
    member.mode = wait.awaited;
    member.row = row;
    const HoldingStep step = holding_step(member, waiting.trail(), blocking.trail());
    const TrailEntry *entry = entry_of(blocking, step.entry);
    into->evidence = step.evidence;
    into->key.blocker = entry ? entry->fingerprint : executed_statement(blocking.status);
    // Its text is known when it ends; until then by what the session executes.
    if (entry && entry->running && !query_text::known(entry->fingerprint))
        executed_statement(blocking.status);
    into->key.blocker_role = blocking.role();
    strlcpy(into->names.blocker_application, blocking.status.application, sizeof(into->names.blocker_application));
}

} // namespace

WaitDescription describe_wait(const LockInstance &wait, PGPROC *waiter, PGPROC *blocker, uint32 run) {
    WaitDescription description{};
    waiting.read(waiter);
    blocking.read(blocker);
    WaitKey &key = description.key;
    key.run = run;
    key.database = waiter->databaseId;
    key.role = waiting.role();
    strlcpy(description.names.application, waiting.status.application, sizeof(description.names.application));
    description.transaction_at = waiting.status.transaction_at;
    const TrailEntry *statement = entry_of(waiting, waiting_entry(waiting.trail()));
    describe_statement(statement, &key);
    const LockTag row = wait.lock.type == LockType::tuple ? wait.lock : row_locked_by(waiter);
    if (is_for_a_row(wait.lock)) {
        describe_row(wait, row, wanted_row(statement, row), &description);
    } else {
        key.lock = wait.lock;
        key.table_mode = wait.awaited;
        if (wait.lock.type == LockType::virtual_transaction)
            key.lock.field1 = key.lock.field2 = 0; // each has another number
    }
    if (key.lock.type == LockType::tuple || key.lock.type == LockType::relation)
        name_relation(key.lock.field2, &description.names);
    describe_blocker(wait, row, &description);
    return description;
}

} // namespace dbperf::lock_waits
