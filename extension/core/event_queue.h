// A bounded ring of records in shared memory: what must last and is on its way to the tables.
//
// Many writers, one reader (the recorder). Positions are byte counts that only grow; both ends move under Lock::queue.
// The reader looks ahead without consuming and releases only what it has committed, so a recorder that dies loses
// nothing. Every record has a sequence number, unique within one `epoch` (one life of the shared memory).
#pragma once

#include "core/pg.h"

#include <span>

namespace dbperf::core::event_queue {

enum class EventType : uint16_t { plan = 1, ddl = 2, schema = 3, parameters = 4, deadlock = 5 };

struct EventHeader {
    uint32 length; // payload bytes
    EventType type;
    uint16 reserved;
    uint32 run;
    Oid database;
    Oid role;
    int32 encoding; // of the payload's texts
    TimestampTz at;
    uint64 sequence;
};

struct Event {
    EventHeader header;
    char *payload; // palloc'd, NUL-terminated
};

struct State {
    uint64 bytes_used;
    uint64 bytes_total;
    uint64 appended;
    uint64 dropped;
    uint64 largest_use;
};

void install();

// Whether a first record calls the recorder at once, or waits until somebody looks around or asks.
enum class WakeMode : uint8_t { wake, wait };

// Appends one record made of the parts; false, and counted, when there is no room. Never raises.
bool append(EventType type, uint32 run, Oid database, Oid role, std::span<const std::string_view> parts,
            WakeMode haste = WakeMode::wake);
void count_dropped(uint32 run);

// Reads the record at the position and moves the position behind it; false at the end.
bool read(uint64 *position, Event *event);
uint64 tail();
uint64 head(); // where the next record will begin
void release(uint64 position);

State state();
uint64 epoch();
// Forgets what is queued and the counts.
void reset();

// The process whose latch a first record sets.
void set_consumer(int process_number);
void wake_consumer();

} // namespace dbperf::core::event_queue
