// Our background workers: how one is described, waited for with a limit, and what its session is made sure of.
//
// A database's owner chooses settings for everybody who connects to it, workers included, even "role". They work for
// the server, so nothing of that may hold for them.
#pragma once

#include "core/pg.h"

namespace dbperf::core::worker {

BackgroundWorker describe(const char *name, const char *function, Datum argument);

enum class End : uint8_t { done, no_slot, too_late };
// Starts it and waits until it has ended; one that takes longer is stopped. For processes that may be signalled.
End run(BackgroundWorker *worker, long limit);

// Outside transactions, right after connecting: the bootstrap superuser, names of pg_catalog only, no time-outs.
void prepare_session(const char *application_name);

} // namespace dbperf::core::worker
