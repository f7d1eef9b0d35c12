// Names of the databases in which statements were counted, for when they are dropped before what was seen in them is
// shown or stored: the test database of a suite is gone when its run is read.
//
// Locking: a spinlock for each place. Direct-mapped: what was met last stays.
#pragma once

#include "core/pg.h"

namespace dbperf::statements::database_names {

void install();
// This session's own, once; quick when it is known.
void remember();
// False when it was never met, or is forgotten.
bool name_of(Oid database, NameData *name);

} // namespace dbperf::statements::database_names
