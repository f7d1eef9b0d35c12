// Traces of transactions of runs, in shared memory until their run is finished: equal ones once, with a count.
//
// Locking: Lock::lock_traces, exclusive to add and to free, shared to find, also that there is no room, and to read;
// the count of a trace is atomic. A trace holds everything that is reported about it, names included: who reads it may
// be in another database.
#pragma once

#include "core/pg.h"

#include <span>

#include "deadlock_prediction/lock_order.h"

namespace dbperf::deadlock_prediction {

// Text within the trace that follows.
struct TraceText {
    uint32 offset;
    uint32 length;
};

struct TraceStatement {
    uint64 fingerprint;
    uint64 unused;
};

struct TraceObject {
    Oid relation;
    uint32 reserved;
    TraceText name;
    TraceText key; // names of the columns that detail of a row holds the values of
};

struct TraceHeader {
    uint32 size; // of all of it
    uint32 run;
    Oid database;
    Oid role;
    uint64 exact;   // hash of what was locked by which statements, and how
    uint64 pattern; // the same without rows and keys
    int32 encoding; // of the texts
    uint32 seen;
    uint16 step_count;
    uint16 statement_count;
    uint16 object_count;
    uint8 is_cut : 1;   // longer than what was recorded
    uint8 possible : 1; // also what could happen with other rows is looked for
    uint8 isolation;
    uint32 text_bytes;
    uint32 script_bytes;
    TimestampTz first_at;
};
static_assert(sizeof(TraceHeader) % 8 == 0);

struct TraceParts {
    std::span<const LockStep> steps;
    std::span<const TraceStatement> statements;
    std::span<const TraceObject> objects;
    std::string_view texts;
    std::string_view script; // what the client sent; see lock_trace_script.h
};

// A copy of one trace.
struct StoredTrace {
    TraceHeader header;
    TraceParts parts;
};

namespace lock_trace_table {

void install();

// Whether nothing new would come of adding this: it was seen often enough, or there are enough of its pattern.
bool is_known(uint32 run, uint64 exact, uint64 pattern);
void add(const TraceHeader &header, const TraceParts &parts);
// The parts of a trace, which begin behind its header; their lengths are taken as they are.
TraceParts parts_of(const char *trace);
// Copies all traces of a run, palloc'd in one piece; returns their number.
int copy(uint32 run, StoredTrace **traces);
void free_run(uint32 run);
void reset();

struct State {
    uint64 bytes_used;
    uint64 bytes_total;
    uint64 traces;
    uint64 dropped;
};
State state();

} // namespace lock_trace_table
} // namespace dbperf::deadlock_prediction
