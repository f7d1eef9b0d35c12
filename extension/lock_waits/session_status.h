// What another session says of itself: the row it has in pg_stat_activity.
#pragma once

#include "core/pg.h"

namespace dbperf::lock_waits {

struct SessionStatus {
    bool known;
    bool executes;              // a statement
    bool idle_in_transaction;   // the application does something else
    TimestampTz transaction_at; // 0: not known, as with track_activities off
    Oid role;                   // that connected
    char application[NAMEDATALEN];
    // What it executes or executed last, palloc'd, "" if not known; cut if it has no more room.
    char *activity;
    bool activity_is_cut;
};

SessionStatus read_status(const PGPROC *process);
// The cheap part of it.
bool is_idle_in_transaction(const PGPROC *process);
// Fingerprint of what it executes, whose text is then known; 0 if none. Of a cut text it is the fingerprint of what is
// left.
uint64 executed_statement(const SessionStatus &status);

} // namespace dbperf::lock_waits
