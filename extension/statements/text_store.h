// How a text gets into the arena of texts when that is full: by compaction when that may help, for a run also by giving
// up statements outside runs.
#pragma once

#include "core/pg.h"

namespace dbperf::statements::text_store {

// False, and counted, when there is no room for it.
bool put(uint64 key, std::string_view text, bool in_run);

} // namespace dbperf::statements::text_store
