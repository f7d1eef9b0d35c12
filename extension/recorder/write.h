// SQL of the recorder: one function a kind of observation. Each runs inside a transaction of the recorder and may
// raise.
#pragma once

#include "core/event_queue.h"
#include "core/runs.h"
#include "deadlock_prediction/cycle_description.h"
#include "n_plus_one/finding_table.h"
#include "plans/plan_table.h"
#include "statements/statement_table.h"
#include "workload/parameter_table.h"

namespace dbperf::write {

void run(const runs::Run &run);
void plan(const event_queue::Event &event, const runs::Run *run);
// How often a plan shape was executed in a run; its plans are stored already.
void plan_executions(const PlanKey &key, uint64 executions, const runs::Run &run);
void ddl(const event_queue::Event &event, const runs::Run *run);
// Of a run that is forgotten nothing is stored.
void schema(const event_queue::Event &event, const runs::Run *run);
void parameters(const event_queue::Event &event, const runs::Run *run);
// Which sets of a statement are kept for good and how often each was executed.
void parameter_sets(const ParameterKey &key, std::span<const ParameterSet> sets, const runs::Run &run);
void deadlock(const event_queue::Event &event, const runs::Run *run);
void n_plus_one(const Finding &finding, const runs::Run *run);
void lock_cycle(const lock_cycles::Description &cycle, const runs::Run &run);
// Deletes the findings outside runs that were first seen before.
void forget_findings(TimestampTz before);
void statement(const StatementKey &key, const StatementCounters &counters, const runs::Run &run);

// The sequence number up to which records of this epoch are stored; 0 without.
uint64 last_sequence(uint64 epoch);
void remember_sequence(uint64 epoch, uint64 sequence);

} // namespace dbperf::write
