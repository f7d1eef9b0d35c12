// The SQL of the recorder itself: runs, and how far it has come. What features store is their own.
#pragma once

#include "core/runs.h"

namespace dbperf::recorder {

// In a transaction of the recorder. Written again it is the same row.
void store_run(const core::runs::Run &run);

// The sequence number up to which records of this epoch are stored; 0 if none.
uint64 last_sequence(uint64 epoch);
void remember_sequence(uint64 epoch, uint64 sequence);

} // namespace dbperf::recorder
