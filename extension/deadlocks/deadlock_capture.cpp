// Runs while an error is being raised: reads no catalog, waits for nothing, and keeps what it needs in memory that
// every process has from its start.
#include "core/pg.h"

#include "deadlocks/deadlock_capture.h"

#include <algorithm>
#include <array>

#include "core/compat.h"
#include "core/event_queue.h"
#include "core/hash.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "deadlocks/deadlock_detail.h"
#include "deadlocks/deadlock_record.h"
#include "deadlocks/trail.h"

namespace dbperf::deadlocks::deadlock_capture {
using namespace core;
using namespace statements;

namespace {

constexpr size_t max_members = 32;
constexpr size_t max_bystanders = 64;
constexpr size_t longest_text = 1024;
constexpr size_t record_size = 256 * 1024;
constexpr size_t max_entries = 1000; // what dbperf.max_trail allows

struct Counts {
    pg_atomic_uint64 captured;
    pg_atomic_uint64 dropped;
};
Counts *counts = nullptr;

// Made by the postmaster, so every process has it without asking for memory.
MemoryContext scratch = nullptr;
emit_log_hook_type next_emit_log = nullptr;
// In which transaction one is being reported: what fails on the way ends with it.
uint64 busy_in = 0;

// What this process reported last: an error that is caught and raised again is still the same deadlock.
struct {
    uint64 detail;
    uint64 transaction;
} last{};

struct Record {
    size_t used;
    bool full;
    std::array<char, record_size> bytes;

    // A place for a structure that is filled later; null when there is no room.
    void *reserve(size_t size) {
        const size_t aligned = MAXALIGN(size);
        if (used + aligned > bytes.size()) {
            full = true;
            return nullptr;
        }
        void *at = bytes.data() + used;
        memset(at, 0, aligned);
        used += aligned;
        return at;
    }
};

alignas(8) Record record;
std::array<TrailEntry, max_entries> trail_copy;
std::array<LockInstance, 4096> instances;
std::array<Bystander, max_bystanders> bystanders;

LockTag tag_of(const LOCKTAG &from) {
    LockTag tag;
    static_assert(sizeof(tag) == sizeof(from));
    memcpy(&tag, &from, sizeof(tag));
    return tag;
}

size_t read_lock_table() {
    size_t count = 0;
    const LockData *data = GetLockStatusData();
    for (int i = 0; i < data->nelements && count < instances.size(); ++i) {
        const LockInstanceData &from = data->locks[i];
        instances[count++] = {tag_of(from.locktag),
                              from.pid,
                              static_cast<uint16>(from.holdMask),
                              static_cast<uint8>(from.waitLockMode),
                              0,
                              from.waitStart};
    }
    return count;
}

uint64 since(TimestampTz start, TimestampTz now) {
    return start > 0 && now > start ? static_cast<uint64>(now - start) * 1000 : 0;
}

// Whoever is about to wait for a row holds its lock of the row itself.
LockTag row_locked_by(int32 pid, std::span<const LockInstance> locks) {
    LockTag row = no_lock;
    for (const LockInstance &each : locks)
        if (each.pid == pid && each.lock.type == LockType::tuple && each.held != 0)
            row = each.lock;
    return row;
}

// A prepared transaction has no process. It waits for nothing, so it is never in a cycle, but it may keep a member as
// well.
bool is_prepared(const LockInstance &each) {
    return each.pid == 0;
}

// The wait that ended in the error. Found out at once, without a timer: the mode is stronger than one already held.
TimestampTz own_wait_start(TimestampTz now) {
    const TimestampTz start = get_timeout_start_time(DEADLOCK_TIMEOUT);
    return start > 0 && now - start >= static_cast<int64>(DeadlockTimeout) * 900 ? start : now;
}

// Lock types are left out: the detail does not always name them.
bool same_place(const LockTag &one, const LockTag &other) {
    return one.field1 == other.field1 && one.field2 == other.field2 && one.field3 == other.field3;
}

// Since the server's look at the cycle a member may have become the victim of another deadlock and begun its next
// transaction. In the one that the cycle is about it waits for what it did, if it waits, and is in somebody's way.
bool is_still_there(const WaitEdge &edge, const WaitEdge &before, const LockInstance *awaits,
                    std::span<const LockInstance> locks) {
    if (edge.pid == MyProcPid)
        return true;
    if (awaits && edge.lock != no_lock && !same_place(edge.lock, awaits->lock))
        return false;
    return before.lock == no_lock || std::any_of(locks.begin(), locks.end(), [&](const LockInstance &each) {
               return each.pid == edge.pid && (each.held != 0 || each.awaited != 0) &&
                      same_place(each.lock, before.lock);
           });
}

const LockInstance *awaited_by(int32 pid, std::span<const LockInstance> locks) {
    for (const LockInstance &each : locks)
        if (each.pid == pid && each.awaited != 0)
            return &each;
    return nullptr;
}

void describe_wait(const WaitEdge &edge, const LockInstance *awaits, std::span<const LockInstance> locks,
                   TimestampTz now, DeadlockMember *member) {
    if (edge.pid == MyProcPid) {
        member->waited = since(own_wait_start(now), now);
    } else if (awaits) {
        member->waits_for = awaits->lock;
        member->mode = awaits->awaited;
        member->waited = since(awaits->wait_start, now);
    }
    member->row = row_locked_by(edge.pid, locks);
    member->kept_by_prepared = std::any_of(locks.begin(), locks.end(), [member](const LockInstance &each) {
        return is_prepared(each) && each.lock == member->waits_for && holds_against(each, member->mode);
    });
}

void add_trail(const trail::Head &trail, uint32 count, DeadlockMember *member) {
    member->has_trail = true;
    member->role = trail.role;
    member->steps = trail.steps;
    member->dropped = trail.appended - count;
    member->rows = trail.rows;
    const uint64 clock = execution::clock();
    member->lasted = clock - std::min(trail.began, clock);
    strlcpy(member->application, trail.application, sizeof(member->application));
    const size_t bytes = sizeof(TrailEntry) * count;
    if (void *entries = count > 0 ? record.reserve(bytes) : nullptr) {
        memcpy(entries, trail_copy.data(), bytes);
        member->entries = count;
    } else {
        member->dropped += count;
    }
}

void add_activity(DeadlockMember *member) {
    const char *activity = pgstat_get_backend_current_activity(member->pid, false);
    size_t length = activity ? strlen(activity) : 0;
    if (length > longest_text)
        length = static_cast<size_t>(pg_mbcliplen(activity, static_cast<int>(length), static_cast<int>(longest_text)));
    if (void *text = length > 0 ? record.reserve(length) : nullptr) {
        memcpy(text, activity, length);
        member->text = static_cast<uint32>(length);
    }
}

// `before` waits for this one.
void add_member(const WaitEdge &edge, const WaitEdge &before, std::span<const LockInstance> locks, TimestampTz now,
                DeadlockHead *head) {
    auto *member = static_cast<DeadlockMember *>(record.reserve(sizeof(DeadlockMember)));
    if (!member)
        return;
    member->pid = edge.pid;
    member->blocked_by = edge.blocked_by;
    member->waits_for = edge.lock;
    member->mode = static_cast<uint8_t>(edge.mode);
    const PGPROC *process = BackendPidGetProc(edge.pid);
    if (!process)
        return;
    member->role = process->roleId;
    const LockInstance *awaits = awaited_by(edge.pid, locks);
    if (!is_still_there(edge, before, awaits, locks))
        return;
    describe_wait(edge, awaits, locks, now, member);
    trail::Head trail;
    uint32 count = 0;
    if (trail::copy(process, &trail, trail_copy, &count))
        add_trail(trail, count, member);
    add_activity(member);
    if (edge.pid == MyProcPid) {
        head->lost_time = member->lasted;
        head->lost_rows = member->rows;
        head->lost_wal = trail::own_wal();
    }
}

// Rows that the victim's running statements have changed so far.
uint64 rows_under_way() {
    uint64 rows = 0;
    for (const Execution *each = execution::stack.executions; each != execution::stack.top; ++each)
        if (each->query && each->state.running && each->query->operation != CMD_SELECT && each->query->estate)
            rows += each->query->estate->es_processed;
    return rows;
}

void add_bystanders(std::span<const WaitEdge> edges, std::span<const LockInstance> locks, TimestampTz now,
                    DeadlockHead *head) {
    std::array<int32, max_members> members;
    std::transform(edges.begin(), edges.end(), members.begin(), [](const WaitEdge &edge) { return edge.pid; });
    const size_t count = find_bystanders(locks, std::span(members).first(edges.size()), bystanders);
    for (size_t i = 0; i < count; ++i)
        if (auto *to = static_cast<Bystander *>(record.reserve(sizeof(Bystander)))) {
            *to = bystanders[i];
            to->wait_start = static_cast<int64>(since(bystanders[i].wait_start, now));
            ++head->bystanders;
        }
}

// The cycle was closed by the last one who began to wait.
void find_closer(DeadlockHead *head, uint32 number, const DeadlockMember &member, uint64 *shortest) {
    const bool is_known = member.waited > 0 || member.pid == MyProcPid;
    if (!is_known || member.waited >= *shortest)
        return;
    *shortest = member.waited;
    head->closed_by = number;
    head->detection = member.waited;
}

void report(std::span<const WaitEdge> edges) {
    const TimestampTz now = GetCurrentTimestamp();
    record.used = 0;
    record.full = false;
    const std::span<const LockInstance> locks = std::span(instances).first(read_lock_table());
    auto *head = static_cast<DeadlockHead *>(record.reserve(sizeof(DeadlockHead)));
    head->victim = MyProcPid;
    uint64 shortest = UINT64_MAX;
    for (size_t i = 0; i < edges.size(); ++i) {
        const size_t at = record.used;
        add_member(edges[i], edges[(i + edges.size() - 1) % edges.size()], locks, now, head);
        if (record.used == at)
            break;
        find_closer(head, head->members++, *reinterpret_cast<const DeadlockMember *>(record.bytes.data() + at),
                    &shortest);
    }
    head->lost_rows += rows_under_way();
    add_bystanders(edges, locks, now, head);
    const std::array parts{std::string_view(record.bytes.data(), record.used)};
    if (event_queue::append(event_queue::EventType::deadlock, runs::current_id(), MyDatabaseId, GetUserId(), parts) &&
        head->members == edges.size())
        pg_atomic_fetch_add_u64(&counts->captured, 1);
    else
        pg_atomic_fetch_add_u64(&counts->dropped, 1);
}

// Raised by the server itself, where it looks for deadlocks. RAISE and other servers' errors can have the SQLSTATE and
// the words, but never this place.
bool is_of_server(const ErrorData &error) {
    return error.sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED && error.filename && error.funcname &&
           strcmp(error.filename, "deadlock.c") == 0 && strcmp(error.funcname, "DeadLockReport") == 0;
}

// Only its own deadlocks name this process: those of a parallel worker are raised once more by its leader.
size_t read_own(const ErrorData &error, std::span<WaitEdge> edges) {
    const size_t count = is_of_server(error) && error.detail ? read_wait_edges(error.detail, MyDatabaseId, edges) : 0;
    return count > 0 && edges[0].pid == MyProcPid ? count : 0;
}

// Where it was raised: each one is another.
void raised(const ErrorData &error) {
    static std::array<WaitEdge, max_members> edges;
    const size_t count = read_own(error, edges);
    if (count == 0)
        return;
    last = {hash_text(error.detail), compat::local_transaction()};
    report(std::span(edges).first(count));
}

// Where it ends, perhaps after it was caught and raised again, by RAISE or ReThrowError() as it was: known, if it was
// met where it was raised.
void reported(const ErrorData &error) {
    if (is_of_server(error) && error.detail &&
        (last.detail != hash_text(error.detail) || last.transaction != compat::local_transaction()))
        raised(error);
}

bool is_wanted() {
    return settings::track_deadlocks && settings::suppression == 0 && MyProc && OidIsValid(MyDatabaseId) &&
           busy_in != compat::local_transaction() && shared_memory::available();
}

// Tells within memory of our own.
template <typename Report>
[[gnu::noinline]] void capture(const Report &report) {
    busy_in = compat::local_transaction();
    MemoryContext before = MemoryContextSwitchTo(scratch);
    report();
    MemoryContextSwitchTo(before);
    MemoryContextReset(scratch);
    busy_in = 0;
}

void on_error(void *) {
    execution::stack.awaited |= execution::awaited_by_error_context;
    if (unlikely(geterrcode() == ERRCODE_T_R_DEADLOCK_DETECTED) && is_wanted())
        capture([] { raised(*CopyErrorData()); });
}

void on_log(ErrorData *error) {
    if (unlikely(error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED) && error->elevel == ERROR && is_wanted())
        capture([error] { reported(*error); });
    if (next_emit_log)
        next_emit_log(error);
}

Size size() {
    return sizeof(Counts);
}

void attach(void *memory, bool fresh) {
    counts = static_cast<Counts *>(memory);
    if (!fresh)
        return;
    pg_atomic_init_u64(&counts->captured, 0);
    pg_atomic_init_u64(&counts->dropped, 0);
}

} // namespace

ErrorContextCallback bottom{nullptr, on_error, nullptr};

void install() {
    // Its first block is kept at every reset: what is usually needed is never asked for.
    scratch =
        AllocSetContextCreate(TopMemoryContext, "dbperf deadlock", 64 * 1024, 64 * 1024, ALLOCSET_DEFAULT_MAXSIZE);
    next_emit_log = emit_log_hook;
    emit_log_hook = on_log;
    shared_memory::register_area({"dbperf deadlocks", size, attach});
}

State state() {
    return {pg_atomic_read_u64(&counts->captured), pg_atomic_read_u64(&counts->dropped)};
}

void reset() {
    pg_atomic_write_u64(&counts->captured, 0);
    pg_atomic_write_u64(&counts->dropped, 0);
}

} // namespace dbperf::deadlocks::deadlock_capture
