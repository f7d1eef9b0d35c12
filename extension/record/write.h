// SQL of the recorder: one function a kind of observation. Each runs inside a transaction of the recorder and may
// raise.
#pragma once

#include "observe/finding_table.h"
#include "observe/statement_table.h"
#include "server/event_queue.h"
#include "server/runs.h"

namespace dbperf::write {

// Stores the text of a statement, if it is still known.
void query_text(uint64 fingerprint);
void run(const runs::Run &run);
void plan(const event_queue::Event &event, const runs::Run *run);
void deadlock(const event_queue::Event &event, const runs::Run *run);
void n_plus_one(const Finding &finding, const runs::Run *run);
void statement(const StatementKey &key, const StatementCounters &counters, const runs::Run &run);

// The sequence number up to which records of this epoch are stored; 0 without.
uint64 last_sequence(uint64 epoch);
void remember_sequence(uint64 epoch, uint64 sequence);

} // namespace dbperf::write
