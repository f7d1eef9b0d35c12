// What is locked, in words.
#pragma once

#include "core/pg.h"

#include "core/lock_mode.h"

namespace dbperf::deadlocks {

// `relation`: the name of the one in the second field of some locks. palloc'd, or a constant.
const char *lock_words(const core::LockTag &lock, const char *relation);

} // namespace dbperf::deadlocks
