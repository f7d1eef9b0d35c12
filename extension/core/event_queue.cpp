// The ring itself; see the header for its contract.
#include "core/pg.h"

#include "core/event_queue.h"

#include <algorithm>

#include "core/compat.h"
#include "core/guard.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::core::event_queue {
namespace {

struct Ring {
    uint64 epoch;
    uint64 head; // next byte to write
    uint64 tail; // oldest byte kept
    uint64 last_sequence;
    uint64 largest_use;
    pg_atomic_uint64 dropped;
    pg_atomic_uint32 consumer; // process number + 1
    uint64 capacity;
    char bytes[FLEXIBLE_ARRAY_MEMBER];
};

static_assert(std::is_trivially_copyable_v<EventHeader> && sizeof(EventHeader) % 8 == 0);

Ring *ring = nullptr;

uint64 capacity() {
    return static_cast<uint64>(settings::queue_size) * 1024;
}

Size size() {
    return offsetof(Ring, bytes) + capacity();
}

void attach(void *memory, bool fresh) {
    ring = static_cast<Ring *>(memory);
    if (!fresh)
        return;
    memset(static_cast<void *>(ring), 0, offsetof(Ring, bytes));
    pg_atomic_init_u64(&ring->dropped, 0);
    pg_atomic_init_u32(&ring->consumer, 0);
    ring->capacity = capacity();
    if (!pg_strong_random(&ring->epoch, sizeof(ring->epoch)))
        ring->epoch = static_cast<uint64>(GetCurrentTimestamp());
    ring->epoch >>= 1; // stored as a bigint
}

LWLock *queue_lock() {
    return shared_memory::lock(shared_memory::Lock::queue);
}

void copy_in(uint64 position, const char *from, uint64 length) {
    const uint64 offset = position % ring->capacity;
    const uint64 first = std::min(length, ring->capacity - offset);
    memcpy(ring->bytes + offset, from, first);
    memcpy(ring->bytes, from + first, length - first);
}

void copy_out(uint64 position, char *into, uint64 length) {
    const uint64 offset = position % ring->capacity;
    const uint64 first = std::min(length, ring->capacity - offset);
    memcpy(into, ring->bytes + offset, first);
    memcpy(into + first, ring->bytes, length - first);
}

uint64 record_size(uint64 payload) {
    return sizeof(EventHeader) + MAXALIGN(payload);
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf event queue", size, attach});
}

bool append(EventType type, uint32 run, Oid database, Oid role, std::span<const std::string_view> parts,
            WakeMode haste) {
    uint64 payload = 0;
    for (const std::string_view part : parts)
        payload += part.size();
    EventHeader header{};
    header.type = type;
    header.run = run;
    header.database = database;
    header.role = role;
    header.length = static_cast<uint32>(payload);
    header.encoding = GetDatabaseEncoding();
    header.at = GetCurrentTimestamp();
    bool was_idle = false;
    const auto has_room = [payload] {
        return payload <= ring->capacity / 4 && ring->head - ring->tail + record_size(payload) <= ring->capacity;
    };
    const bool done = with_lock(queue_lock(), LW_SHARED, has_room) && with_lock(queue_lock(), LW_EXCLUSIVE, [&] {
                          if (!has_room())
                              return false;
                          const uint64 needed = record_size(payload);
                          const uint64 used = ring->head - ring->tail;
                          was_idle = used == 0 || used > ring->capacity / 2;
                          header.sequence = ++ring->last_sequence;
                          uint64 at = ring->head;
                          copy_in(at, reinterpret_cast<const char *>(&header), sizeof(header));
                          at += sizeof(header);
                          for (const std::string_view part : parts) {
                              copy_in(at, part.data(), part.size());
                              at += part.size();
                          }
                          ring->head += needed;
                          ring->largest_use = std::max(ring->largest_use, ring->head - ring->tail);
                          return true;
                      });
    if (!done)
        count_dropped(run);
    else if (was_idle && haste == WakeMode::wake)
        wake_consumer();
    return done;
}

void count_dropped(uint32 run) {
    pg_atomic_fetch_add_u64(&ring->dropped, 1);
    runs::count_lost(run, runs::Loss::records);
}

bool read(uint64 *position, Event *event) {
    const bool found = with_lock(queue_lock(), LW_SHARED, [=] {
        *position = std::max(*position, ring->tail);
        if (*position >= ring->head)
            return false;
        copy_out(*position, reinterpret_cast<char *>(&event->header), sizeof(EventHeader));
        return true;
    });
    if (!found)
        return false;
    // Only the reader moves the tail, so the record stays while it is copied without the lock held for palloc.
    const uint32 length = event->header.length;
    event->payload = static_cast<char *>(palloc(length + 1));
    with_lock(queue_lock(), LW_SHARED, [=] { copy_out(*position + sizeof(EventHeader), event->payload, length); });
    event->payload[length] = '\0';
    *position += record_size(length);
    return true;
}

uint64 tail() {
    return with_lock(queue_lock(), LW_SHARED, [] { return ring->tail; });
}

uint64 head() {
    return with_lock(queue_lock(), LW_SHARED, [] { return ring->head; });
}

void release(uint64 position) {
    with_lock(queue_lock(), LW_EXCLUSIVE, [position] {
        if (position > ring->tail)
            ring->tail = std::min(position, ring->head);
    });
}

State state() {
    return with_lock(queue_lock(), LW_SHARED, [] {
        return State{ring->head - ring->tail, ring->capacity, ring->last_sequence, pg_atomic_read_u64(&ring->dropped),
                     ring->largest_use};
    });
}

uint64 epoch() {
    return ring->epoch;
}

void reset() {
    with_lock(queue_lock(), LW_EXCLUSIVE, [] {
        ring->tail = ring->head;
        ring->largest_use = 0;
        pg_atomic_write_u64(&ring->dropped, 0);
    });
}

void set_consumer(int process_number) {
    pg_atomic_write_u32(&ring->consumer, static_cast<uint32>(process_number + 1));
    pg_memory_barrier(); // who looks for work after this call misses none: either it sees the work or the work wakes it
}

void wake_consumer() {
    pg_memory_barrier();
    const uint32 consumer = pg_atomic_read_u32(&ring->consumer);
    if (consumer != 0)
        SetLatch(compat::latch_of_process(static_cast<int>(consumer) - 1));
}

} // namespace dbperf::core::event_queue
