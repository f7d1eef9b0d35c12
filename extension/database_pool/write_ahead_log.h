// Reading the server's write-ahead log from a position up to now. Knows no kind of record.
#pragma once

#include "core/pg.h"

namespace dbperf::database_pool::write_ahead_log {

// What is written after this call has a position at or behind this one.
XLogRecPtr now();

// Puts everything inserted so far on disk, commits that did not wait for it among them; where it ends.
XLogRecPtr flush();

// Calls visit for every record from one position up to what was inserted before the call, which is on disk then and
// ends at *end. False when some of them cannot be had any more, or are more than max_bytes.
bool read(XLogRecPtr from, uint64 max_bytes, void (*visit)(XLogReaderState *record, void *argument), void *argument,
          XLogRecPtr *end);

} // namespace dbperf::database_pool::write_ahead_log
