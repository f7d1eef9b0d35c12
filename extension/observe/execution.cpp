// A small fixed stack: nested executions are opened and closed in order, cursors out of order.
#include "server/pg.h"

#include "observe/execution.h"

#include <array>

namespace dbperf::execution {
namespace {

std::array<Execution, 64> open_executions;
int open_count = 0;
uint64 overflow_count = 0;

Usage usage_now() {
    return {pgBufferUsage.shared_blks_hit,     pgBufferUsage.shared_blks_read,  pgBufferUsage.shared_blks_dirtied,
            pgBufferUsage.shared_blks_written, pgBufferUsage.temp_blks_read,    pgBufferUsage.temp_blks_written,
            pgWalUsage.wal_bytes};
}

} // namespace

Moment now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return {static_cast<uint64>(time.tv_sec) * 1000000000u + static_cast<uint64>(time.tv_nsec), usage_now()};
}

void add_since(const Moment &start, Execution *execution) {
    const Moment end = now();
    execution->elapsed += end.time - start.time;
    execution->ended = end.time;
    Usage &usage = execution->usage;
    usage.shared_blks_hit += end.usage.shared_blks_hit - start.usage.shared_blks_hit;
    usage.shared_blks_read += end.usage.shared_blks_read - start.usage.shared_blks_read;
    usage.shared_blks_dirtied += end.usage.shared_blks_dirtied - start.usage.shared_blks_dirtied;
    usage.shared_blks_written += end.usage.shared_blks_written - start.usage.shared_blks_written;
    usage.temp_blks_read += end.usage.temp_blks_read - start.usage.temp_blks_read;
    usage.temp_blks_written += end.usage.temp_blks_written - start.usage.temp_blks_written;
    usage.wal_bytes += end.usage.wal_bytes - start.usage.wal_bytes;
}

Execution *find(const QueryDesc *query) {
    for (int i = open_count - 1; i >= 0; --i)
        if (open_executions[static_cast<size_t>(i)].query == query)
            return &open_executions[static_cast<size_t>(i)];
    return nullptr;
}

Execution *open(QueryDesc *query, bool top_level) {
    if (Execution *known = find(query))
        return known;
    // Closed executions below an open one leave holes at the end only.
    if (open_count == static_cast<int>(open_executions.size())) {
        ++overflow_count;
        return nullptr;
    }
    const PlannedStmt *plan = query->plannedstmt;
    statement_identity::Occurrence *occurrence = statement_identity::of(
        query->sourceText, plan->stmt_location, plan->stmt_len, static_cast<uint64>(plan->queryId), false);
    if (!occurrence)
        return nullptr;
    Execution *opened = &open_executions[static_cast<size_t>(open_count++)];
    opened->query = query;
    opened->source = query->sourceText;
    opened->location = plan->stmt_location;
    opened->length = plan->stmt_len;
    opened->occurrence = *occurrence;
    occurrence->planning = 0;
    opened->identity_generation = statement_identity::generation;
    opened->run = 0;
    opened->top_level = top_level;
    opened->running = false;
    opened->aborted = false;
    opened->recorded = false;
    opened->transaction_level = GetCurrentTransactionNestLevel();
    opened->began = 0;
    opened->ended = 0;
    opened->elapsed = 0;
    opened->rows = 0;
    opened->usage = Usage{};
    return opened;
}

void close(Execution *execution) {
    execution->query = nullptr;
    while (open_count > 0 && open_executions[static_cast<size_t>(open_count - 1)].query == nullptr)
        --open_count;
}

void close_all(int from_transaction_level, void (*abandoned)(Execution *)) {
    for (int i = open_count - 1; i >= 0; --i) {
        Execution &execution = open_executions[static_cast<size_t>(i)];
        if (execution.query == nullptr || execution.transaction_level < from_transaction_level)
            continue;
        if (!execution.recorded) {
            execution.source = nullptr;
            abandoned(&execution);
        }
        close(&execution);
    }
}

uint64 overflows() {
    return overflow_count;
}

} // namespace dbperf::execution
