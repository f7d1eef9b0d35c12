// The background side: a launcher without a database, and the recorder it starts while there is something to write.
//
// Shared state has its own spinlock; flushers wait on a condition variable. A request number goes up with every flush;
// the recorder notes the highest request it has fully served after the commit.
#pragma once

#include "core/pg.h"

namespace dbperf::core::recording {

enum class Failure : uint32 {
    none,
    no_extension,
    other_version, // of the extension's SQL
    foreign,       // something in the extension's schema is another role's
    no_slot,       // for one more worker
    not_startable,
    write_failed,
    run_failed
};

struct State {
    Oid database;      // which the launcher starts the recorder for, when dbperf.database is empty
    int pid;           // of the running recorder, 0 if none
    int launcher;      // its process number
    bool has_launcher; // it runs
    bool left;         // the last recorder left of its own accord
    uint64 requested;
    uint64 served;
    uint64 failures;
    Failure last_failure;
    uint64 failed_request; // the last one that a failed attempt knew of when it began
    uint64 records_failed; // records that could not be written and were skipped
    uint64 records_written;
    uint64 steps; // goes up with whatever else it gets done
    uint64 snapshots_without_slot;
    uint64 snapshots_too_late;
};

void install();
State state();

// What changes what is shared or stored, though it writes no table by itself.
void prevent_if_read_only(const char *function);
// Waits until everything queued before the call is committed. Raises a clear error when that cannot be.
void flush();

// The launcher reports. It is woken by what is queued and by flushers while no recorder is.
void launched(int process_number);
void launcher_left();
void wake_launcher();
void works_for(Oid database);
void starting();
void stopped();

// A recorder reports.
void started();
// From here on the launcher is woken again; what came before is for the recorder to see.
void hand_back();
void left();
void served(uint64 request, uint64 written, uint64 failed);
void made_a_step();
void missed_snapshot(bool for_want_of_a_slot);
// `request`: the last one when the attempt began. Who asked later waits for the next attempt, which may see a cause
// gone.
void failed(Failure failure, uint64 request);
uint64 requested();
// Whether anything waits to be written.
bool has_work();

} // namespace dbperf::core::recording
