// One deadlock as rows: its members, what each of them did and locked, and who waited behind them.
#include "core/pg.h"

#include "deadlocks/deadlock_store.h"

#include <algorithm>

#include "core/row_builder.h"
#include "deadlocks/deadlock_record.h"
#include "deadlocks/deadlock_story.h"
#include "deadlocks/lock_words.h"
#include "statements/fingerprint.h"
#include "statements/query_text.h"
#include "statements/stored_text.h"

namespace dbperf::deadlocks {
using namespace core;
using namespace statements;

namespace {

struct Member {
    const DeadlockMember *head;
    std::span<const TrailEntry> trail;
    const char *text; // in the encoding of this database, without constants
    int32 waiting;    // entry; -1: a statement that left none
};

struct Deadlock {
    const event_queue::Event *event;
    const DeadlockHead *head;
    Member *members;
    uint32 count;
    std::span<const Bystander> bystanders;
    uint64 id;
    const runs::Run *run;

    std::span<const Member> all() const { return {members, count}; }
    const Member *find(int32 pid) const {
        for (const Member &member : all())
            if (member.head->pid == pid)
                return &member;
        return nullptr;
    }
};

// Takes structures off the payload; null when it ends before.
struct Reader {
    const char *at;
    size_t left;

    const char *take(size_t bytes) {
        const size_t aligned = MAXALIGN(bytes);
        if (aligned > left)
            return nullptr;
        const char *taken = at;
        at += aligned;
        left -= aligned;
        return taken;
    }
    template <typename Struct>
    const Struct *take() {
        return reinterpret_cast<const Struct *>(take(sizeof(Struct)));
    }
};

const char *in_this_encoding(const Deadlock &of, const char *text, size_t length) {
    return query_text::to_this_encoding(text, length, of.event->header.encoding);
}
const char *in_this_encoding(const Deadlock &of, const char *text) {
    return in_this_encoding(of, text, strlen(text));
}

bool read(Deadlock *into) {
    Reader reader{into->event->payload, into->event->header.length};
    into->head = reader.take<DeadlockHead>();
    if (!into->head)
        return false;
    into->members = static_cast<Member *>(palloc0(sizeof(Member) * (into->head->members + 1)));
    for (uint32 i = 0; i < into->head->members; ++i) {
        Member &member = into->members[into->count];
        member.head = reader.take<DeadlockMember>();
        if (!member.head)
            return false;
        const char *entries = reader.take(sizeof(TrailEntry) * member.head->entries);
        const char *text = reader.take(member.head->text);
        if (!entries || !text)
            return false;
        member.trail = {reinterpret_cast<const TrailEntry *>(entries), member.head->entries};
        member.text = without_constants(in_this_encoding(*into, text, member.head->text));
        member.waiting = waiting_entry(member.trail);
        ++into->count;
    }
    const char *rest = reader.take(sizeof(Bystander) * into->head->bystanders);
    into->bystanders = {reinterpret_cast<const Bystander *>(rest), rest ? into->head->bystanders : 0};
    return into->count > 0 && into->head->closed_by < into->count;
}

// From what any of the members knows, else from the catalog when the deadlock happened in this database.
const char *relation_name(const Deadlock &of, uint32 relation) {
    for (const Member &member : of.all())
        for (const TrailEntry &entry : member.trail)
            if (entry.lock.type == LockType::relation && entry.lock.field2 == relation && entry.relation[0] != '\0')
                return in_this_encoding(of, entry.relation);
    const char *name =
        of.event->header.database == MyDatabaseId || relation < FirstNormalObjectId ? get_rel_name(relation) : nullptr;
    return name ? name : psprintf("relation %u", relation);
}

const char *lock_name(const Deadlock &of, const LockTag &lock) {
    const bool is_in_relation =
        lock.type == LockType::relation || lock.type == LockType::tuple || lock.type == LockType::page;
    return lock_words(lock, is_in_relation ? relation_name(of, lock.field2) : nullptr);
}

const char *mode_name(const TrailEntry &entry) {
    return entry.row_mode != RowLockMode::none ? name_of_row_mode(entry.row_mode)
                                               : name_of_table_mode(entry.table_mode);
}

// One step as it is written: the lock that matters most, and all of them.
struct Step {
    uint32 number;
    uint8 level;
    uint64 fingerprint;
    const char *query; // null: known by its fingerprint
    const char *relation;
    const char *mode;
    const char *key;
    double start;   // ms, -1: unknown
    double elapsed; // ms, -1: has not ended
    int64 rows;     // -1: has not ended
    double waited;  // ms, -1: did not wait
    int32 blocks;   // pid, 0: none
    Evidence evidence;
    bool closed_cycle;
    bool released;
    ArrayBuildState *locks;
};

const char *or_null(const char *text) {
    return text && text[0] != '\0' ? text : nullptr;
}

void add_lock_text(const Deadlock &of, const TrailEntry &entry, Step *step) {
    if (entry.lock.type == LockType::none)
        return;
    const char *name = lock_name(of, entry.lock);
    const auto add = [step](const char *text) {
        step->locks = accumArrayResult(step->locks, CStringGetTextDatum(text), false, TEXTOID, CurrentMemoryContext);
    };
    if (entry.table_mode != 0)
        add(psprintf("%s on %s", name_of_table_mode(entry.table_mode), name));
    if (entry.row_mode != RowLockMode::none)
        add(psprintf("%s of %s%s%s", name_of_row_mode(entry.row_mode), entry.several ? "rows of " : "a row of ", name,
                     entry.key[0] == '\0' ? "" : psprintf(" (%s)", in_this_encoding(of, entry.key))));
}

void show_lock(const Deadlock &of, const TrailEntry &entry, Step *step) {
    step->relation = entry.lock.type == LockType::none ? nullptr : lock_name(of, entry.lock);
    step->mode = or_null(mode_name(entry));
    step->key = or_null(in_this_encoding(of, entry.key));
}

const char *row_location(const LockTag &row) {
    return row.type == LockType::tuple ? psprintf("ctid=(%u,%u)", row.field3, row.field4) : nullptr;
}

// The step waits: what it wants goes before what it has.
void show_wait(const Deadlock &of, const Member &member, Step *step) {
    const DeadlockMember &head = *member.head;
    step->waited = static_cast<double>(head.waited) / 1e6;
    step->closed_cycle = of.members[of.head->closed_by].head == &head;
    const bool for_a_row = head.waits_for.type == LockType::transaction ||
                           head.waits_for.type == LockType::speculative_token || head.waits_for.type == LockType::tuple;
    if (!for_a_row) {
        step->relation = lock_name(of, head.waits_for);
        step->mode = or_null(name_of_table_mode(head.mode));
        step->key = nullptr;
        return;
    }
    if (head.row.type == LockType::tuple)
        step->relation = relation_name(of, head.row.field2);
    if (!step->key)
        step->key = row_location(head.row);
    if (!step->mode)
        step->mode = or_null(name_of_table_mode(head.mode));
}

// What this member's steps keep others from.
struct Holding {
    const Member *waiter;
    HoldingStep step;
};

void show_holding(const Deadlock &of, const TrailEntry &entry, const Holding &holding, Step *step) {
    step->blocks = holding.waiter->head->pid;
    step->evidence = holding.step.evidence;
    show_lock(of, entry, step);
    // Of several rows it is the one that the other wants.
    if (!step->key && entry.row_mode != RowLockMode::none) {
        if (holding.waiter->waiting >= 0 &&
            holding.waiter->trail[static_cast<size_t>(holding.waiter->waiting)].lock == entry.lock)
            step->key =
                or_null(in_this_encoding(of, holding.waiter->trail[static_cast<size_t>(holding.waiter->waiting)].key));
        if (!step->key && holding.waiter->head->row.field2 == entry.lock.field2)
            step->key = row_location(holding.waiter->head->row);
    }
}

void write_step(const Deadlock &of, const Member &member, const Step &step) {
    if (!step.query)
        store_query_text(step.fingerprint);
    RowBuilder row;
    row.project();
    row.run(of.run);
    row.bigint(of.id);
    row.integer(member.head->pid);
    row.integer(static_cast<int>(step.number));
    row.integer(step.level);
    row.bigint(step.fingerprint, step.query != nullptr);
    row.text(step.query);
    row.text(step.relation);
    row.text(step.mode);
    row.text(step.key);
    row.add(FLOAT8OID, Float8GetDatum(step.start), step.start < 0);
    row.add(FLOAT8OID, Float8GetDatum(step.elapsed), step.elapsed < 0);
    row.bigint(static_cast<uint64>(step.rows), step.rows < 0);
    row.add(FLOAT8OID, Float8GetDatum(step.waited), step.waited < 0);
    row.add(INT4OID, Int32GetDatum(step.blocks), step.blocks == 0);
    row.text(step.evidence == Evidence::exact ? "exact" : step.evidence == Evidence::likely ? "likely" : nullptr);
    row.boolean(step.closed_cycle);
    row.boolean(step.released);
    row.add(TEXTARRAYOID, step.locks ? makeArrayResult(step.locks, CurrentMemoryContext)
                                     : PointerGetDatum(construct_empty_array(TEXTOID)));
    row.execute("INSERT INTO dbperf.deadlock_step (project, run_id, deadlock_id, pid, step, level, fingerprint, "
                "query, relation, mode, row_key, start_ms, elapsed_ms, rows, waited_ms, blocks_pid, evidence, "
                "closed_cycle, released, locks) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "
                "$20) ON CONFLICT DO NOTHING");
}

// The statement that waits without having left an entry: it is being parsed or planned, or nothing shows what it locks.
void write_unseen_step(const Deadlock &of, const Member &member) {
    Step step{};
    step.number = member.head->steps + 1;
    step.query = member.text[0] != '\0' ? member.text : "(unknown)";
    step.start = step.elapsed = -1;
    step.rows = -1;
    show_wait(of, member, &step);
    write_step(of, member, step);
}

void write_steps(const Deadlock &of, const Member &member) {
    // In a cycle, one other waits for this one.
    Holding holding{nullptr, {-1, Evidence::none}};
    for (const Member &other : of.all())
        if (other.head->blocked_by == member.head->pid)
            holding = {&other, holding_step(*other.head, other.trail, member.trail)};
    const uint64 first = member.trail.empty() ? 0 : member.trail.front().began;
    for (size_t at = 0; at < member.trail.size();) {
        const TrailEntry &entry = member.trail[at];
        Step step{};
        step.number = entry.step;
        step.level = entry.level;
        step.fingerprint = entry.fingerprint;
        step.start = entry.first && entry.began >= first ? static_cast<double>(entry.began - first) / 1e6 : -1;
        step.elapsed = entry.running || !entry.first ? -1 : static_cast<double>(entry.elapsed) / 1e6;
        step.rows = entry.running || !entry.first ? -1 : static_cast<int64>(entry.rows);
        step.waited = -1;
        step.released = entry.released;
        show_lock(of, entry, &step);
        bool waits = false;
        // Entries of nested statements may stand between those of one step; a step's own are together but for locks
        // that were found at its end.
        for (size_t other = 0; other < member.trail.size(); ++other) {
            const TrailEntry &each = member.trail[other];
            if (each.step != entry.step)
                continue;
            add_lock_text(of, each, &step);
            waits = waits || static_cast<int32>(other) == member.waiting;
            if (static_cast<int32>(other) == holding.step.entry)
                show_holding(of, each, holding, &step);
        }
        if (waits) {
            if (step.blocks != 0)
                show_lock(of, entry, &step);
            show_wait(of, member, &step);
        }
        write_step(of, member, step);
        // The next step that was not written yet.
        const uint32 written = entry.step;
        do
            ++at;
        while (at < member.trail.size() && member.trail[at].step <= written);
    }
    if (member.waiting < 0)
        write_unseen_step(of, member);
}

void write_member(const Deadlock &of, uint32 number) {
    const DeadlockMember &head = *of.members[number].head;
    RowBuilder row;
    row.project();
    row.run(of.run);
    row.bigint(of.id);
    row.integer(static_cast<int>(number) + 1);
    row.integer(head.pid);
    row.text(role_name(head.role));
    row.text(in_this_encoding(of, head.application));
    row.integer(head.blocked_by);
    row.text(lock_name(of, head.waits_for));
    row.text(or_null(name_of_table_mode(head.mode)));
    row.milliseconds(head.waited);
    row.add(FLOAT8OID, Float8GetDatum(static_cast<double>(head.lasted) / 1e6), !head.has_trail);
    row.bigint(head.rows);
    row.integer(static_cast<int>(head.steps));
    row.integer(static_cast<int>(head.dropped));
    row.boolean(head.kept_by_prepared);
    row.execute("INSERT INTO dbperf.deadlock_member (project, run_id, deadlock_id, position, pid, role, "
                "application_name, blocked_by, waits_for, wait_mode, waited_ms, lasted_ms, rows, steps, "
                "dropped_steps, kept_by_prepared) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)");
}

void write_bystander(const Deadlock &of, const Bystander &bystander) {
    RowBuilder row;
    row.project();
    row.run(of.run);
    row.bigint(of.id);
    row.integer(bystander.pid);
    row.integer(bystander.blocked_by);
    row.text(lock_name(of, bystander.lock));
    row.text(or_null(name_of_table_mode(bystander.mode)));
    row.milliseconds(static_cast<uint64>(bystander.wait_start));
    row.execute("INSERT INTO dbperf.deadlock_bystander (project, run_id, deadlock_id, pid, blocked_by, waits_for, "
                "wait_mode, waited_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING");
}

bool is_incomplete(const Deadlock &of) {
    return std::any_of(of.all().begin(), of.all().end(),
                       [](const Member &member) { return !member.head->has_trail || member.head->dropped > 0; });
}

} // namespace

void store_deadlock(const event_queue::Event &event, const runs::Run *run) {
    Deadlock deadlock{};
    deadlock.event = &event;
    deadlock.run = run;
    if (!read(&deadlock))
        return;
    const DeadlockHead &head = *deadlock.head;
    RowBuilder row;
    row.project();
    row.run(run);
    row.timestamp(event.header.at);
    row.text(database_name(event.header.database));
    row.integer(static_cast<int>(deadlock.count));
    row.integer(head.victim);
    row.integer(deadlock.members[head.closed_by].head->pid);
    row.milliseconds(head.detection);
    row.milliseconds(head.lost_time);
    row.bigint(head.lost_rows);
    row.bigint(head.lost_wal);
    row.boolean(is_incomplete(deadlock));
    deadlock.id = row.execute_returning(
        "INSERT INTO dbperf.deadlock (project, run_id, happened_at, database, members, victim_pid, closed_by_pid, "
        "detection_ms, lost_ms, lost_rows, lost_wal_bytes, incomplete) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING deadlock_id");
    for (uint32 i = 0; i < deadlock.count; ++i) {
        write_member(deadlock, i);
        write_steps(deadlock, deadlock.members[i]);
    }
    for (const Bystander &bystander : deadlock.bystanders)
        write_bystander(deadlock, bystander);
}

} // namespace dbperf::deadlocks
