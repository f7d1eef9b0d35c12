// Scopes and their statements; see DESIGN's words: named scope, trace id, explicit transaction, burst.
#include "server/pg.h"

#include "observe/repetition.h"

#include <algorithm>
#include <array>

#include "analysis/hash.h"
#include "observe/finding_table.h"
#include "server/compat.h"
#include "server/settings.h"

namespace dbperf::repetition {
namespace {

// Distinct keys are counted exactly up to this many, then taken to go on being distinct unless they repeat at once.
constexpr uint32 exact_keys = 48;
constexpr uint32 key_slots = 64;

// Findings are told of growth in steps of a sixteenth, and of the rest when the scope ends.
constexpr uint32 step = 16;

struct Repeated {
    uint64 fingerprint;
    uint32 calls;
    uint32 distinct;
    uint64 exec_time;
    uint64 wait_time;
    uint64 last_key;
    uint32 reported_calls;
    uint64 reported_exec_time;
    uint64 reported_wait_time;
    // What a report needs beyond the scope.
    uint32 run;
    Oid role;
    CmdType command;
    LookupKey key;
    finding_table::Place place;
    std::array<uint64, key_slots> keys; // open addressing, 0: free
};

enum class ScopeKind : uint8_t { none, named, trace, transaction, burst };

struct Scope {
    ScopeKind kind = ScopeKind::none;
    uint64 id = 0;
    uint64 pattern = 0;
    char name[64] = "";
};

Scope scope;
std::array<Repeated, 32> statements;
int statement_count = 0;
uint64 burst_serial = 0;
uint64 last_ended = 0;

// The name without its digits: "GET /orders/17" and "GET /orders/18" are one pattern.
void take_pattern(std::string_view name) {
    size_t length = 0;
    for (size_t i = 0; i < name.size() && length + 1 < sizeof(scope.name); ++i) {
        const bool digit = name[i] >= '0' && name[i] <= '9';
        if (!digit)
            scope.name[length++] = name[i];
        else if (length == 0 || scope.name[length - 1] != '#')
            scope.name[length++] = '#';
    }
    scope.name[length] = '\0';
    scope.pattern = hash_text({scope.name, length});
}

// Tells the finding what was not told yet. The first report brings the executions before it along.
[[gnu::noinline]] void report(Repeated &statement) {
    if (statement.calls == statement.reported_calls ||
        statement.distinct < static_cast<uint32>(settings::n_plus_one_threshold))
        return;
    const FindingKey key{
        scope.pattern, statement.fingerprint,
        MyDatabaseId,  statement.role,
        statement.run, statement.command == CMD_SELECT ? FindingKind::n_plus_one : FindingKind::n_plus_one_write};
    const FindingGrowth growth{scope.kind == ScopeKind::burst ? Confidence::possible : Confidence::likely,
                               statement.calls - statement.reported_calls,
                               statement.distinct,
                               statement.exec_time - statement.reported_exec_time,
                               statement.wait_time - statement.reported_wait_time,
                               statement.reported_calls == 0};
    if (!finding_table::grow(key, &statement.place, growth)) {
        finding_table::add(key, scope.name, statement.key.relation, statement.key.column, &statement.place);
        finding_table::grow(key, &statement.place, growth);
    }
    statement.reported_calls = statement.calls;
    statement.reported_exec_time = statement.exec_time;
    statement.reported_wait_time = statement.wait_time;
}

[[gnu::noinline]] void end_scope() {
    for (int i = 0; i < statement_count; ++i)
        report(statements[static_cast<size_t>(i)]);
    statement_count = 0;
}

void enter_scope(const Execution &execution) {
    ScopeKind kind;
    uint64 id;
    const settings::Derived &derived = settings::derived_values; // derived when the execution was counted
    if (derived.scope != 0) {
        kind = ScopeKind::named;
        id = derived.scope;
    } else if (execution.trace != 0) {
        kind = ScopeKind::trace;
        id = execution.trace;
    } else if (IsTransactionBlock()) {
        kind = ScopeKind::transaction;
        id = compat::local_transaction();
    } else {
        kind = ScopeKind::burst;
        if (execution.began - last_ended > derived.gap)
            ++burst_serial;
        id = burst_serial;
    }
    if (likely(kind == scope.kind && id == scope.id))
        return;
    end_scope();
    scope.kind = kind;
    scope.id = id;
    scope.pattern = 0;
    scope.name[0] = '\0';
    if (kind == ScopeKind::named)
        take_pattern(settings::scope);
}

bool exit_watched = false;

// The session's last repetitions must be told too.
void watch_exit() {
    exit_watched = true;
    before_shmem_exit([](int, Datum) { end_scope(); }, 0);
}

[[gnu::noinline]] Repeated &begin_repeated(const Execution &execution, CmdType command) {
    if (!exit_watched)
        watch_exit();
    size_t chosen = static_cast<size_t>(statement_count);
    if (chosen < statements.size()) {
        ++statement_count;
    } else {
        // The least repeated one makes room.
        chosen = 0;
        for (size_t i = 1; i < statements.size(); ++i)
            if (statements[i].calls < statements[chosen].calls)
                chosen = i;
        report(statements[chosen]);
    }
    Repeated &statement = statements[chosen];
    statement = Repeated{};
    statement.fingerprint = execution.statement->fingerprint;
    statement.run = execution.run;
    statement.role = GetUserId();
    statement.command = command;
    statement.key = execution.statement->keys.keys[0];
    return statement;
}

inline Repeated &repeated(const Execution &execution, CmdType command) {
    const uint64 fingerprint = execution.statement->fingerprint;
    for (int i = 0; i < statement_count; ++i)
        if (statements[static_cast<size_t>(i)].fingerprint == fingerprint)
            return statements[static_cast<size_t>(i)];
    return begin_repeated(execution, command);
}

inline void add_key(Repeated &statement, uint64 key) {
    if (key == statement.last_key)
        return;
    statement.last_key = key;
    if (likely(statement.distinct >= exact_keys)) {
        ++statement.distinct;
        return;
    }
    uint32 at = static_cast<uint32>(key >> 32) % key_slots;
    while (statement.keys[at] != 0) {
        if (statement.keys[at] == key)
            return;
        at = (at + 1) % key_slots;
    }
    statement.keys[at] = key;
    ++statement.distinct;
}

} // namespace

void observe(const Execution &execution, const QueryDesc *query) {
    if (!execution.state.top_level || !settings::n_plus_one)
        return;
    enter_scope(execution);
    const uint64 previous_end = last_ended;
    last_ended = execution.ended;
    const LookupKeys &keys = execution.statement->keys;
    if (keys.count == 0)
        return;
    const uint64 key = lookup_keys::hash_values(keys, execution.constants, query->params);
    if (key == 0)
        return;
    Repeated &statement = repeated(execution, query->operation);
    if (statement.calls > 0 && execution.began > previous_end)
        statement.wait_time += execution.began - previous_end;
    ++statement.calls;
    add_key(statement, key);
    statement.exec_time += execution.observed.elapsed;
    if (unlikely(statement.calls - statement.reported_calls > statement.reported_calls / step))
        report(statement);
}

void tell_all() {
    for (int i = 0; i < statement_count; ++i)
        report(statements[static_cast<size_t>(i)]);
}

void transaction_ended() {
    if (scope.kind == ScopeKind::transaction && statement_count > 0)
        end_scope();
}

} // namespace dbperf::repetition
