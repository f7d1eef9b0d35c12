// The time that a session does its unit of work just now: from SET dbperf.scope to the next one, or its end. Statements
// that the client sent are counted, in runs.
//
// Locking: a process has a slot; its spinlock is taken by the owner for each statement, and by whoever reads or ends
// what is open. The owner alone begins an occurrence.
#pragma once

#include "core/pg.h"

#include "core/settings.h"
#include "statements/execution.h"
#include "units/unit_table.h"

namespace dbperf::units::occurrences {

void install();

// Whether the session's last statement was of a unit.
extern bool is_open;
void add(const statements::Execution &execution);

// A statement of a run that the client sent is over.
inline void count(const statements::Execution &execution) {
    if (unlikely(core::settings::derived_values.scope != 0 || is_open))
        add(execution);
}

// The session's unit may have ended.
void scope_changed();
// Of the session and its transactions; cursors, whose query is counted.
bool is_control(const Node *utility);

// What is open of this unit, as occurrences.
void add_open(const unit_table::Handle &unit, UnitTotals *totals);
// The run takes no observation any more: what is open of it ends.
void close_run(uint32 run);
void reset();

} // namespace dbperf::units::occurrences
