#include "core/pg.h"

#include "n_plus_one/lineage.h"

#include <algorithm>

#include "core/settings.h"
#include "core/shared_memory.h"
#include "n_plus_one/lineage_board.h"

namespace dbperf::n_plus_one::lineage {
using namespace core;
using namespace lookups;
using namespace statements;

namespace {

struct Column {
    Oid relation; // 0: computed
    int16 column;
    uint16 values;
};

struct Producer {
    pg_atomic_uint32 serial; // 0 while being written
    uint32 root;
    uint32 unit;
    int pid;
    uint64 group;
    uint64 fingerprint;
    uint64 ended; // ns, monotonic clock
    bool has_more;
    uint64 used; // as a batch: when its values were looked up last, ns; 0: never
    std::array<Column, row_capture::max_columns> columns;
};

// The board stands before the ring.
struct Memory {
    pg_atomic_uint32 last_serial;
    BoardBucket buckets[FLEXIBLE_ARRAY_MEMBER];
};

Memory *memory = nullptr;
Producer *ring = nullptr;

// Board and ring share dbperf.lineage_memory: a bucket for each execution of the ring, which is eight values, so
// that a transaction that waits long for its turn loses a list and its values at about the same time.
constexpr size_t buckets_each = 1;

size_t buckets() {
    constexpr size_t of_board = sizeof(BoardBucket) * buckets_each;
    const size_t bytes = static_cast<size_t>(settings::lineage_memory) * 1024;
    return LineageBoard::buckets_in(bytes / (of_board + sizeof(Producer)) * of_board);
}

// A list is remembered while all sessions together execute this many statements that return rows; a power of two.
uint32 ring_size() {
    return static_cast<uint32>(buckets() / buckets_each);
}

uint32 ring_mask = 0;
LineageBoard board; // of this process, over the shared buckets

Size board_size() {
    return buckets() * sizeof(BoardBucket);
}

Size size() {
    return sizeof(Memory) + 64 + board_size() + ring_size() * sizeof(Producer);
}

void attach(void *area, bool fresh) {
    memory = reinterpret_cast<Memory *>(TYPEALIGN(64, area));
    board = LineageBoard(memory->buckets, buckets());
    ring = reinterpret_cast<Producer *>(reinterpret_cast<char *>(memory->buckets) + board_size());
    ring_mask = ring_size() - 1;
    if (!fresh)
        return;
    memset(area, 0, size());
    pg_atomic_init_u32(&memory->last_serial, 0);
    for (uint32 i = 0; i <= ring_mask; ++i)
        pg_atomic_init_u32(&ring[i].serial, 0);
}

Producer &producer_of(uint32 serial) {
    return ring[serial & ring_mask];
}

uint32 next_serial() {
    uint32 serial;
    do
        serial = pg_atomic_add_fetch_u32(&memory->last_serial, 1);
    while (serial == 0);
    return serial;
}

// The table column an output column shows, else its own number.
Column origin_of(const PlannedStmt *plan, int16 number) {
    const List *output = plan->planTree->targetlist;
    if (number <= list_length(output)) {
        const TargetEntry *entry = static_cast<const TargetEntry *>(list_nth(output, number - 1));
        if (OidIsValid(entry->resorigtbl))
            return {entry->resorigtbl, entry->resorigcol, 0};
    }
    return {InvalidOid, number, 0};
}

enum class Location : uint8_t { elsewhere, here, foreign };

Location place_of(const Producer &producer, const Producer &root, const unit_of_work::Unit &unit, uint64 now) {
    if (producer.group != unit.group)
        return Location::elsewhere;
    if (unit.kind == UnitKind::tagged)
        return producer.pid == MyProcPid ? Location::here : Location::foreign;
    if (producer.pid == MyProcPid)
        return producer.unit - unit.since <= unit.serial - unit.since ? Location::here : Location::elsewhere;
    // Without a tag a loop goes on as long as nobody pauses.
    const uint64 last = std::max(producer.ended, root.used);
    return now <= last || now - last <= settings::derived_values.gap ? Location::foreign : Location::elsewhere;
}

// The origin that a reference stands for; false when its record is gone or of another unit of work.
bool resolve(ValueReference reference, const unit_of_work::Unit &unit, uint64 now, LookupOrigin *origin,
             uint64 *ended) {
    Producer &producer = producer_of(reference.serial);
    if (pg_atomic_read_u32(&producer.serial) != reference.serial || reference.column >= producer.columns.size())
        return false;
    pg_read_barrier();
    Producer &root = producer_of(producer.root);
    const Location location = place_of(producer, root, unit, now);
    if (location == Location::elsewhere)
        return false;
    const Column column = producer.columns[reference.column];
    *origin = {producer.fingerprint,
               column.relation,
               column.column,
               0,
               producer.root,
               reference.serial,
               reference.row,
               column.values,
               !producer.has_more,
               location == Location::foreign,
               producer.unit != unit.serial,
               false};
    *ended = producer.ended;
    pg_read_barrier();
    if (pg_atomic_read_u32(&producer.serial) != reference.serial)
        return false;
    if (pg_atomic_read_u32(&root.serial) == origin->root)
        root.used = now;
    return true;
}

// A row that shows its key says nothing new.
bool was_asked_for(const Execution &execution, uint64 value) {
    for (int i = 0; i < execution.values.count; ++i)
        if (execution.values.hashes[i] == value)
            return true;
    return false;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf lineage", size, attach});
}

bool knows(uint64 value, uint64 group) {
    return board.knows(board_key(value, group));
}

bool knows(const LookupValues &values, uint64 group) {
    for (int i = 0; i < values.count; ++i)
        if (board.knows(board_key(values.hashes[i], group)))
            return true;
    return false;
}

void look_up(const LookupValues &values, const unit_of_work::Unit &unit, uint64 now, Origins *origins) {
    origins->count = 0;
    for (int i = 0; i < values.count; ++i) {
        if (values.hashes[i] == 0)
            continue;
        std::array<ValueReference, LineageBoard::max_found> found;
        const size_t count = board.find(board_key(values.hashes[i], unit.group), &found);
        for (size_t j = 0; j < count && origins->count < max_origins; ++j) {
            LookupOrigin &origin = origins->origins[origins->count];
            if (resolve(found[j], unit, now, &origin, &origins->ended[origins->count])) {
                origin.key = static_cast<uint16>(i);
                ++origins->count;
            }
        }
    }
}

uint32 publish(const Execution &execution, const PlannedStmt *plan, const unit_of_work::Unit &unit, uint32 root,
               uint64 now) {
    const row_capture::Rows &rows = row_capture::rows;
    const uint32 serial = next_serial();
    Producer &producer = producer_of(serial);
    shared_memory::touch(&producer);
    pg_atomic_write_u32(&producer.serial, 0);
    pg_write_barrier();
    producer.root = root == 0 ? serial : root;
    producer.unit = unit.serial;
    producer.pid = MyProcPid;
    producer.group = unit.group;
    producer.fingerprint = execution.statement->fingerprint;
    producer.ended = now;
    producer.has_more = rows.has_more;
    producer.used = 0;
    const auto statement = static_cast<uint8_t>(producer.fingerprint >> 56);
    for (int i = 0; i < rows.columns; ++i) {
        const auto at = static_cast<size_t>(i);
        Column column = origin_of(plan, rows.column[at].number);
        for (int row = 0; row < rows.rows; ++row) {
            const uint64 value = rows.values[static_cast<size_t>(row * rows.columns + i)];
            const ValueReference reference{serial, static_cast<uint16_t>(row), static_cast<uint8_t>(i), statement};
            if (value != 0 && !was_asked_for(execution, value) && board.put(board_key(value, unit.group), reference))
                ++column.values;
        }
        producer.columns[at] = column;
    }
    pg_write_barrier();
    pg_atomic_write_u32(&producer.serial, serial);
    return producer.root;
}

bool is_consumed(uint32 root) {
    Producer &producer = producer_of(root);
    return pg_atomic_read_u32(&producer.serial) != root || producer.used != 0;
}

} // namespace dbperf::n_plus_one::lineage
