#include "core/pg.h"

#include "units/occurrences.h"

#include <array>

#include "core/compat.h"
#include "core/guard.h"
#include "core/shared_memory.h"

namespace dbperf::units::occurrences {
using namespace core;
using namespace statements;

bool is_open = false;

namespace {

struct alignas(PG_CACHE_LINE_SIZE) Slot {
    slock_t mutex;
    bool open;
    uint32 run;
    unit_table::Handle unit;
    Measures measures;
};
static_assert(std::is_standard_layout_v<Slot> && std::is_trivially_copyable_v<Slot>);

Slot *slots = nullptr;

// Of this session.
struct {
    Slot *slot;
    uint32 run;
    uint32 sets;       // of dbperf.scope when it began
    uint32 serial;     // marks statements that are known in it
    uint64 last_ended; // 0: none yet
} session{};

// Units that this session did lately: who does the same again asks nobody.
struct Known {
    uint64 name;
    uint32 run;
    Oid role;
    unit_table::Handle unit;
};
std::array<Known, 8> known{};

unit_table::Handle unit_of(uint32 run, uint64 name) {
    const Oid role = GetUserId();
    Known &entry = known[name / 2 % known.size()]; // the lowest bit is always set
    if (entry.name != name || entry.run != run || entry.role != role || !unit_table::is_current(entry.unit)) {
        entry = {name, run, role, unit_table::enter(run, name, settings::scope, role)};
        if (unit_table::is_rest(entry.unit)) {
            const unit_table::Handle rest = entry.unit;
            entry.unit = {}; // each of its occurrences is counted as lost
            return rest;
        }
    }
    return entry.unit;
}

Size size() {
    return mul_size(sizeof(Slot), static_cast<Size>(MaxBackends));
}

void attach(void *memory, bool fresh) {
    slots = static_cast<Slot *>(memory);
    if (!fresh)
        return;
    memset(memory, 0, size());
    for (int i = 0; i < MaxBackends; ++i)
        SpinLockInit(&slots[i].mutex);
}

// With the slot's spinlock held.
void end(Slot &slot) {
    if (slot.open && slot.measures[statement_count] != 0)
        unit_table::add(slot.unit, slot.measures);
    slot.open = false;
}

void close() {
    if (!is_open)
        return;
    is_open = false;
    with_spinlock(&session.slot->mutex, [] { end(*session.slot); });
}

bool has_slot() {
    if (session.slot)
        return true;
    const int number = compat::number_of_process();
    if (number < 0 || number >= MaxBackends)
        return false;
    session.slot = &slots[number];
    before_shmem_exit([](int, Datum) { close(); }, 0);
    return true;
}

// Begins with the unit's first statement; that in which a function set the name is none.
[[gnu::noinline]] void change(const Execution &execution) {
    close();
    const settings::Derived &derived = settings::derived();
    session.sets = derived.scope_sets;
    if (derived.scope == 0 || execution.began <= derived.scope_set_at || !has_slot())
        return;
    const unit_table::Handle unit = unit_of(execution.run, derived.scope);
    if (unit.generation == 0)
        return;
    session.run = execution.run;
    session.last_ended = 0;
    if (++session.serial == 0)
        ++session.serial;
    Slot &slot = *session.slot;
    with_spinlock(&slot.mutex, [&] {
        slot.run = execution.run;
        slot.unit = unit;
        slot.measures = {};
        slot.open = true;
    });
    is_open = true;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf occurrences of units", size, attach});
}

[[gnu::noinline]] void add(const Execution &execution) {
    if (unlikely(!is_open || session.sets != settings::derived().scope_sets || session.run != execution.run)) {
        change(execution);
        if (!is_open)
            return;
    }
    StatementIdentity &statement = *execution.statement;
    const bool is_new = statement.counted_in_unit != session.serial;
    statement.counted_in_unit = session.serial;
    const uint64 wait =
        session.last_ended != 0 && execution.began > session.last_ended ? execution.began - session.last_ended : 0;
    session.last_ended = execution.ended;
    Slot &slot = *session.slot;
    SpinLockAcquire(&slot.mutex);
    Measures &measures = slot.measures; // of no interest any more if somebody ended it
    ++measures[statement_count];
    measures[distinct_count] += is_new;
    measures[row_count] += execution.observed.rows;
    measures[exec_time] += execution.observed.elapsed;
    measures[wait_time] += wait;
    SpinLockRelease(&slot.mutex);
}

void scope_changed() {
    if (is_open && session.sets != settings::derived().scope_sets)
        close();
}

bool is_control(const Node *utility) {
    switch (nodeTag(utility)) {
    case T_TransactionStmt:
    case T_VariableSetStmt:
    case T_VariableShowStmt:
    case T_ConstraintsSetStmt:
    case T_DiscardStmt:
    case T_ListenStmt:
    case T_UnlistenStmt:
    case T_DeclareCursorStmt:
    case T_FetchStmt:
    case T_ClosePortalStmt:
        return true;
    default:
        return false;
    }
}

void add_open(const unit_table::Handle &unit, UnitTotals *totals) {
    for (int i = 0; i < MaxBackends; ++i) {
        Slot &slot = slots[i];
        if (!slot.open || slot.unit.unit != unit.unit)
            continue;
        with_spinlock(&slot.mutex, [&] {
            if (slot.open && slot.unit.unit == unit.unit && slot.unit.generation == unit.generation &&
                slot.measures[statement_count] != 0)
                totals->add(slot.measures);
        });
    }
}

void close_run(uint32 run) {
    for (int i = 0; i < MaxBackends; ++i)
        with_spinlock(&slots[i].mutex, [run, i] {
            if (slots[i].run == run)
                end(slots[i]);
        });
}

void reset() {
    for (int i = 0; i < MaxBackends; ++i)
        with_spinlock(&slots[i].mutex, [i] { slots[i].open = false; });
}

} // namespace dbperf::units::occurrences
