// Descriptions of databases under test, one a run: taken when the run is finished, while its data is what it was.
//
// A worker of its own takes each, because it has to be connected to the database it describes: the recorder is
// connected to another one, a session of the application must not pay for it, and the database need not have the
// extension. It leaves before finish_run() returns, so that nobody who copies or drops the database then meets it.
#pragma once

#include "core/pg.h"

namespace dbperf::schema_changes::schema_snapshot {

// Queues a description of this session's database for the run. Needs a snapshot and a search path without strangers.
void take(uint32 run);
// Has every database with statements of the run described. Called outside transactions; raises nothing that is about
// one database, what cannot be described is left out.
void take_all(uint32 run);

} // namespace dbperf::schema_changes::schema_snapshot
