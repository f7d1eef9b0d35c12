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

namespace dbperf::recorder::write {

void run(const core::runs::Run &run);
void plan(const core::event_queue::Event &event, const core::runs::Run *run);
// How often a plan shape was executed in a run; its plans are stored already.
void plan_executions(const plans::PlanKey &key, uint64 executions, const core::runs::Run &run);
void ddl(const core::event_queue::Event &event, const core::runs::Run *run);
// Of a run that is forgotten nothing is stored.
void schema(const core::event_queue::Event &event, const core::runs::Run *run);
void parameters(const core::event_queue::Event &event, const core::runs::Run *run);
// Which sets of a statement are kept for good and how often each was executed.
void parameter_sets(const workload::ParameterKey &key, std::span<const workload::ParameterSet> sets,
                    const core::runs::Run &run);
void deadlock(const core::event_queue::Event &event, const core::runs::Run *run);
void n_plus_one(const n_plus_one::Finding &finding, const core::runs::Run *run);
void lock_cycle(const deadlock_prediction::cycle_description::Description &cycle, const core::runs::Run &run);
// Deletes the findings outside runs that were first seen before.
void forget_findings(TimestampTz before);
void statement(const statements::StatementKey &key, const statements::StatementCounters &counters,
               const core::runs::Run &run);

// The sequence number up to which records of this epoch are stored; 0 without.
uint64 last_sequence(uint64 epoch);
void remember_sequence(uint64 epoch, uint64 sequence);

} // namespace dbperf::recorder::write
