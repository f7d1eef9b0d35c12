// Named scopes that are open now, across backends. The same name may come again and again, as that of a kind of
// request: then each time is a unit of work of its own. Sessions that are in it at once share it, and so do those that
// follow each other within the pause that ends a unit of work.
//
// Locking: Lock::scopes, in parts by name, exclusive for everything; only the first statement of a unit of work and the
// first after it come here.
#pragma once

#include "core/pg.h"

namespace dbperf::n_plus_one::named_scopes {

void install();
// Returns the identity of this time.
uint64 enter(uint64 name, uint64 now, uint64 gap);
// True when the last session has left it.
bool leave(uint64 name, uint64 now);
// Who enters it next is in another time, however soon.
void finish(uint64 name);

} // namespace dbperf::n_plus_one::named_scopes
