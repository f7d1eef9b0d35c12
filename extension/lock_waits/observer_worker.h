// The worker that looks at waits for locks. It has no database and is there while a run takes observations and
// dbperf.track_lock_waits is on.
#pragma once

#include "core/pg.h"

namespace dbperf::lock_waits::observer_worker {

void install();
// The launcher starts it; returns after how many ms to ask again.
long start_if_needed();
// A session found its run, which may have begun by that.
void run_found();

struct State {
    int pid;      // 0: it does not run
    bool no_slot; // the last attempt to start it found none
    uint64 looks;
    uint64 time; // of all looks, us
};
State state();

} // namespace dbperf::lock_waits::observer_worker
