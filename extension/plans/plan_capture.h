// Captures plans as EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON): when to instrument, when to format. Where they go and what
// is made of them is the recorder's business.
#pragma once

#include "statements/execution.h"
#include "statements/traceparent.h"

namespace dbperf::plans {

enum class PlanReason : uint32 { new_shape = 1, slowest, slow, all };

// What precedes the JSON text in a plan event.
struct PlanRecord {
    uint64 fingerprint;
    uint64 name;
    uint64 shape;
    uint64 elapsed; // ns
    uint64 rows;
    statements::Usage usage;
    PlanReason reason;
    uint32 aborted;
    uint32 top_level;
    uint32 timed;
    char traceparent[statements::traceparent_length + 1]; // of the execution, "" if none
};
static_assert(std::is_trivially_copyable_v<PlanRecord>);

namespace plan_capture {

// Before standard_ExecutorStart of an execution in a run: asks for instrumentation.
void request(QueryDesc *query);
// After the last row, before standard_ExecutorEnd: captures if it is wanted.
void consider(const statements::Execution &execution, uint64 name);

uint64 failures();

} // namespace plan_capture
} // namespace dbperf::plans
