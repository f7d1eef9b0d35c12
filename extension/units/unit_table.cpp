#include "core/pg.h"

#include "units/unit_table.h"

#include "core/guard.h"
#include "core/hash.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "core/shared_table.h"

namespace dbperf::units {
using namespace core;

uint64 Unit::hash_of(const UnitKey &key) {
    return mix_bits(key.name ^ mix_bits(key.run));
}

namespace unit_table {
namespace {

struct Head {
    pg_atomic_uint64 overflowed;
    uint32 named;
};
static_assert(std::is_standard_layout_v<Unit> && std::is_trivially_copyable_v<Unit>);

SharedTable<Head, Unit> table;

// Each run may have a rest.
uint32 capacity() {
    return static_cast<uint32>(settings::max_unit_names + runs::max_runs);
}

Size size() {
    return table.size(capacity());
}

void attach(void *memory, bool fresh) {
    table.attach(memory, capacity(), fresh);
    if (!fresh)
        return;
    pg_atomic_init_u64(&table->overflowed, 0);
    table->named = 0;
    for (uint32 i = 0; i < capacity(); ++i)
        SpinLockInit(&table[i].mutex);
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::unit_names);
}

// With Lock::unit_names held exclusively.
void release(uint32 number) {
    Unit &unit = table[number];
    with_spinlock(&unit.mutex, [&unit] { unit.generation = 0; });
    table->named -= unit.has_name();
    table.release(number);
}

void add_role(Unit &unit, Oid role) {
    with_spinlock(&unit.mutex, [&unit, role] {
        for (Oid &known : unit.roles) {
            if (known == role)
                return;
            if (!OidIsValid(known)) {
                known = role;
                return;
            }
        }
    });
}

// With Lock::unit_names held exclusively; none when there is no room.
uint32 add_new(const UnitKey &key, const char *text) {
    if (key.name != 0 && table->named >= static_cast<uint32>(settings::max_unit_names))
        return table.none;
    const uint32 number = table.add(key);
    if (number == table.none)
        return table.none;
    Unit &unit = table[number];
    unit.encoding = GetDatabaseEncoding();
    unit.first_at = GetCurrentTimestamp();
    memset(unit.roles, 0, sizeof(unit.roles));
    memset(static_cast<void *>(&unit.totals), 0, sizeof(unit.totals));
    strlcpy(unit.name, text, sizeof(unit.name));
    table->named += unit.has_name();
    return number;
}

// Also whether there is no room for another.
Handle find(const UnitKey &key, Oid role, bool *full) {
    return with_lock(table_lock(), LW_SHARED, [&key, role, full] {
        *full = table->named >= static_cast<uint32>(settings::max_unit_names);
        const uint32 number = table.find(key);
        if (number == table.none)
            return Handle{0, 0};
        add_role(table[number], role);
        return Handle{number, table[number].generation};
    });
}

Handle find_or_add(const UnitKey &key, const char *text, Oid role) {
    return with_lock(table_lock(), LW_EXCLUSIVE, [&key, text, role] {
        uint32 number = table.find(key);
        if (number == table.none)
            number = add_new(key, text);
        if (number == table.none)
            return Handle{0, 0};
        add_role(table[number], role);
        return Handle{number, table[number].generation};
    });
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf units", size, attach});
}

Handle enter(uint32 run, uint64 name, const char *text, Oid role) {
    const UnitKey key{name, run, 0};
    bool full = false;
    Handle handle = find(key, role, &full);
    if (handle.generation != 0 || !runs::is_open(run))
        return handle;
    if (!full)
        handle = find_or_add(key, text, role);
    if (handle.generation != 0)
        return handle;
    pg_atomic_fetch_add_u64(&table->overflowed, 1);
    runs::count_lost(run, runs::Loss::units);
    const UnitKey rest{0, run, 0};
    handle = find(rest, role, &full);
    return handle.generation != 0 ? handle : find_or_add(rest, "", role);
}

bool is_current(const Handle &handle) {
    return handle.generation != 0 && table[handle.unit].generation == handle.generation;
}

bool is_rest(const Handle &handle) {
    return is_current(handle) && !table[handle.unit].has_name();
}

void add(const Handle &handle, const Measures &occurrence) {
    if (handle.generation == 0 || handle.unit >= table.capacity())
        return;
    Unit &unit = table[handle.unit];
    with_spinlock(&unit.mutex, [&] {
        if (unit.generation == handle.generation)
            unit.totals.add(occurrence);
    });
}

void visit(void (*visit)(const Handle &handle, Unit *copy, void *argument), void *argument) {
    Unit *copy = static_cast<Unit *>(palloc(sizeof(Unit)));
    for (uint32 i = 0; i < table.capacity(); ++i) {
        Unit &unit = table[i];
        if (unit.generation == 0)
            continue;
        const bool taken = with_lock(table_lock(), LW_SHARED, [&unit, copy] {
            return with_spinlock(&unit.mutex, [&unit, copy] {
                *copy = unit;
                return unit.generation != 0;
            });
        });
        if (taken)
            visit({i, copy->generation}, copy, argument);
    }
    pfree(copy);
}

void free_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE, [run] {
        table.for_each([run](uint32 number, const Unit &unit) {
            if (unit.key.run == run)
                release(number);
        });
    });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] {
        table.for_each([](uint32 number, const Unit &) { release(number); });
        pg_atomic_write_u64(&table->overflowed, 0);
    });
}

State state() {
    return with_lock(table_lock(), LW_SHARED, [] {
        return State{table->named, static_cast<uint32>(settings::max_unit_names),
                     pg_atomic_read_u64(&table->overflowed)};
    });
}

} // namespace unit_table
} // namespace dbperf::units
