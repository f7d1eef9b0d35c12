#include "core/pg.h"

#include "database_pool/write_ahead_log.h"

#include <algorithm>

#include "core/compat.h"
#include "core/guard.h"

namespace dbperf::database_pool::write_ahead_log {
using namespace core;

namespace {

bool is_recycled(XLogRecPtr position) {
    XLogSegNo segment;
    XLByteToSeg(position, segment, wal_segment_size);
    return segment <= XLogGetLastRemovedSegno();
}

} // namespace

// A record of our own shows where everything inserted so far ends.
XLogRecPtr flush() {
    const XLogRecPtr inserted = GetXLogInsertRecPtr();
    if (GetFlushRecPtr(nullptr) >= inserted)
        return inserted;
    char nothing = 0;
    XLogBeginInsert();
    XLogRegisterData(&nothing, sizeof(nothing));
    const XLogRecPtr end = XLogInsert(RM_XLOG_ID, XLOG_NOOP);
    XLogFlush(end);
    return end;
}

XLogRecPtr now() {
    return GetXLogInsertRecPtr();
}

bool read(XLogRecPtr from, uint64 max_bytes, void (*visit)(XLogReaderState *, void *), void *argument,
          XLogRecPtr *read_to) {
    const XLogRecPtr end = *read_to = std::max(from, flush());
    if (end <= from)
        return true;
    if (end - from > max_bytes || is_recycled(from))
        return false;
    ReadLocalXLogPageNoWaitPrivate progress{};
    XLogReaderRoutine routine{};
    routine.page_read = read_local_xlog_page_no_wait;
    routine.segment_open = wal_segment_open;
    routine.segment_close = wal_segment_close;
    XLogReaderState *reader = XLogReaderAllocate(wal_segment_size, nullptr, &routine, &progress);
    if (!reader)
        return false;
    bool complete = false;
    // A segment may be recycled at any moment. A cancel that arrives meanwhile is served afterwards.
    HOLD_INTERRUPTS();
    catch_errors([=, &complete, &progress] {
        XLogRecPtr at = compat::find_next_record(reader, from);
        // There may be no whole record yet behind `from`.
        if (XLogRecPtrIsInvalid(at)) {
            complete = progress.end_of_wal;
            return;
        }
        while (at < end) {
            char *problem = nullptr;
            if (!XLogReadRecord(reader, &problem)) {
                complete = !problem && progress.end_of_wal;
                return;
            }
            if (reader->ReadRecPtr >= end)
                break;
            visit(reader, argument);
            at = reader->EndRecPtr;
        }
        complete = true;
    });
    RESUME_INTERRUPTS();
    XLogReaderFree(reader);
    return complete;
}

} // namespace dbperf::database_pool::write_ahead_log
