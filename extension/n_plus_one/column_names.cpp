// A direct-mapped table in shared memory: what was met last stays.
#include "core/pg.h"

#include "n_plus_one/column_names.h"

#include "core/guard.h"
#include "core/hash.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::n_plus_one::column_names {
using namespace core;

namespace {

struct Slot {
    slock_t mutex;
    Oid database; // invalid: free
    TableColumn column;
    ColumnName name;
};

Slot *slots = nullptr;

// Each loop that is followed across connections has a key and a parent, and most are of few tables.
uint32 slot_count() {
    return static_cast<uint32>(settings::max_units) * 2;
}

Size size() {
    return mul_size(slot_count(), sizeof(Slot));
}

void attach(void *memory, bool fresh) {
    slots = static_cast<Slot *>(memory);
    if (!fresh)
        return;
    memset(memory, 0, size());
    for (uint32 i = 0; i < slot_count(); ++i)
        SpinLockInit(&slots[i].mutex);
}

Slot &slot_of(Oid database, TableColumn column) {
    const uint64 hash = mix_bits((uint64{database} << 32 | column.relation) ^
                                 uint64{static_cast<uint16>(column.column)} * 0x9e3779b97f4a7c15u);
    return slots[hash % slot_count()];
}

bool is_of(const Slot &slot, Oid database, TableColumn column) {
    return slot.database == database && slot.column.relation == column.relation && slot.column.column == column.column;
}

bool ask(TableColumn column, ColumnName *name) {
    const char *relation = get_rel_name(column.relation);
    const char *own = relation ? get_attname(column.relation, column.column, true) : nullptr;
    const char *schema = own ? get_namespace_name(get_rel_namespace(column.relation)) : nullptr;
    if (!schema)
        return false;
    strlcpy(name->schema, schema, sizeof(name->schema));
    strlcpy(name->relation, relation, sizeof(name->relation));
    strlcpy(name->column, own, sizeof(name->column));
    return true;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf column names", size, attach});
}

void remember(TableColumn column) {
    if (!OidIsValid(column.relation) || column.column == 0)
        return;
    Slot &slot = slot_of(MyDatabaseId, column);
    // A name that is torn here is written again by the next who looks.
    if (likely(is_of(slot, MyDatabaseId, column)) || !guard::catalogs_are_readable())
        return;
    ColumnName name{};
    bool found = false;
    if (!catch_errors([column, &name, &found] { found = ask(column, &name); }) || !found)
        return;
    with_spinlock(&slot.mutex, [&slot, &name, column] {
        slot.name = name;
        slot.column = column;
        slot.database = MyDatabaseId;
    });
}

bool name_of(Oid database, TableColumn column, ColumnName *name) {
    if (!OidIsValid(column.relation) || column.column == 0)
        return false;
    if (database == MyDatabaseId && guard::catalogs_are_readable()) {
        bool found = false;
        if (catch_errors([column, name, &found] { found = ask(column, name); }) && found)
            return true;
    }
    Slot &slot = slot_of(database, column);
    return with_spinlock(&slot.mutex, [&slot, database, column, name] {
        const bool known = is_of(slot, database, column);
        if (known)
            *name = slot.name;
        return known;
    });
}

} // namespace dbperf::n_plus_one::column_names
