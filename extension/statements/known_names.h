// Names of the databases and roles whose statements were counted, for when they are dropped before what was seen of
// them is shown or stored: the test database of a suite is gone when its run is read.
//
// Locking: a spinlock for each place. Direct-mapped: what was met last stays.
#pragma once

#include "core/pg.h"

namespace dbperf::statements::known_names {

void install();
// Those of this session's database and of this role; quick when they are known.
void remember(Oid role);
// Null when it was never met, or is forgotten. Of one that was dropped and whose name another one took, the name with
// its number: 'test (dropped 16909)'.
const char *of_database(Oid database);
const char *of_role(Oid role);

} // namespace dbperf::statements::known_names
