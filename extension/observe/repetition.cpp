// Scopes and their statements; see DESIGN's words: named scope, trace id, explicit transaction, burst.
#include "server/pg.h"

#include "observe/repetition.h"

#include <algorithm>
#include <array>

#include "analysis/hash.h"
#include "observe/finding_table.h"
#include "server/settings.h"

namespace dbperf::repetition {
namespace {

// Distinct keys are counted exactly up to this many, then taken to go on being distinct.
constexpr int exact_keys = 32;

struct Repeated {
    uint64 fingerprint;
    uint32 calls;
    uint32 distinct;
    uint64 exec_time;
    uint64 wait_time;
    bool reported;
    std::array<uint64, exact_keys> keys;
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
uint64 transaction_serial = 0;
uint64 burst_serial = 0;
uint64 last_ended = 0;
uint32 named_version = UINT32_MAX;
uint64 named_id = 0;

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

uint64 named_scope() {
    if (unlikely(named_version != settings::scope_version)) {
        named_version = settings::scope_version;
        named_id = settings::scope && settings::scope[0] ? hash_text(settings::scope) | 1 : 0;
    }
    return named_id;
}

void enter_scope(const Execution &execution) {
    ScopeKind kind;
    uint64 id;
    if (named_scope() != 0) {
        kind = ScopeKind::named;
        id = named_id;
    } else if (execution.occurrence.trace != 0) {
        kind = ScopeKind::trace;
        id = execution.occurrence.trace;
    } else if (IsTransactionBlock()) {
        kind = ScopeKind::transaction;
        id = transaction_serial;
    } else {
        kind = ScopeKind::burst;
        if (execution.began - last_ended > static_cast<uint64>(settings::scope_gap) * 1000000)
            ++burst_serial;
        id = burst_serial;
    }
    if (likely(kind == scope.kind && id == scope.id))
        return;
    scope.kind = kind;
    scope.id = id;
    scope.pattern = 0;
    scope.name[0] = '\0';
    statement_count = 0;
    if (kind == ScopeKind::named)
        take_pattern(settings::scope);
}

// The statement's state in this scope; the least repeated one makes room.
Repeated &repeated(uint64 fingerprint) {
    int least = 0;
    for (int i = 0; i < statement_count; ++i) {
        Repeated &statement = statements[static_cast<size_t>(i)];
        if (statement.fingerprint == fingerprint)
            return statement;
        if (statement.calls < statements[static_cast<size_t>(least)].calls)
            least = i;
    }
    if (statement_count < static_cast<int>(statements.size()))
        least = statement_count++;
    Repeated &statement = statements[static_cast<size_t>(least)];
    statement.fingerprint = fingerprint;
    statement.calls = 0;
    statement.distinct = 0;
    statement.exec_time = 0;
    statement.wait_time = 0;
    statement.reported = false;
    return statement;
}

void add_key(Repeated &statement, uint64 key) {
    const uint32 kept = std::min<uint32>(statement.distinct, exact_keys);
    for (uint32 i = 0; i < kept; ++i)
        if (statement.keys[i] == key)
            return;
    if (kept < exact_keys)
        statement.keys[kept] = key;
    ++statement.distinct;
}

void report(Repeated &statement, const Execution &execution, CmdType command, uint64 exec_time, uint64 wait_time) {
    const LookupKeys &keys = execution.occurrence.statement->keys;
    const FindingKey key{scope.pattern,
                         statement.fingerprint,
                         MyDatabaseId,
                         GetUserId(),
                         execution.run,
                         command == CMD_SELECT ? FindingKind::n_plus_one : FindingKind::n_plus_one_write};
    const bool first = !statement.reported;
    // The first report brings the executions before it along.
    finding_table::grow(key, scope.name, keys.keys[0].relation, keys.keys[0].column,
                        {scope.kind == ScopeKind::burst ? Confidence::possible : Confidence::likely,
                         first ? statement.calls : 1, statement.distinct, first ? statement.exec_time : exec_time,
                         first ? statement.wait_time : wait_time, first});
    statement.reported = true;
}

} // namespace

void observe(const Execution &execution, const QueryDesc *query) {
    if (!execution.top_level || !settings::n_plus_one)
        return;
    enter_scope(execution);
    const uint64 previous_end = last_ended;
    last_ended = execution.ended;
    const StatementIdentity *identity = execution.occurrence.statement;
    const uint64 key = lookup_keys::hash_values(identity->keys, execution.occurrence.constants, query->params);
    if (key == 0)
        return;
    Repeated &statement = repeated(identity->fingerprint);
    const uint64 waited = statement.calls > 0 && execution.began > previous_end ? execution.began - previous_end : 0;
    ++statement.calls;
    add_key(statement, key);
    statement.exec_time += execution.elapsed;
    statement.wait_time += waited;
    if (unlikely(statement.distinct >= static_cast<uint32>(settings::n_plus_one_threshold)))
        report(statement, execution, query->operation, execution.elapsed, waited);
}

void transaction_ended() {
    ++transaction_serial;
}

} // namespace dbperf::repetition
