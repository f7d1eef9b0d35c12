#include "core/pg.h"

#include "statements/database_names.h"

#include "core/guard.h"
#include "core/hash.h"
#include "core/row_builder.h"
#include "core/shared_memory.h"
#include "statements/query_text.h"

namespace dbperf::statements::database_names {
using namespace core;

namespace {

struct Slot {
    slock_t mutex;
    Oid database; // invalid: free
    NameData name;
};

constexpr uint32 slot_count = 4096; // of them few are in use: who makes a database for each test makes thousands

Slot *slots = nullptr;
bool remembered = false;

Size size() {
    return slot_count * sizeof(Slot);
}

void attach(void *memory, bool fresh) {
    slots = static_cast<Slot *>(memory);
    if (!fresh)
        return;
    memset(memory, 0, size());
    for (uint32 i = 0; i < slot_count; ++i)
        SpinLockInit(&slots[i].mutex);
}

Slot &slot_of(Oid database) {
    return slots[mix_bits(database) % slot_count];
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf database names", size, attach});
}

void remember() {
    if (likely(remembered) || !guard::catalogs_are_readable())
        return;
    remembered = true;
    NameData name{};
    bool found = false;
    if (!catch_errors([&name, &found] {
            if (char *own = get_database_name(MyDatabaseId)) {
                namestrcpy(&name, own);
                found = true;
            }
        }) ||
        !found)
        return;
    Slot &slot = slot_of(MyDatabaseId);
    with_spinlock(&slot.mutex, [&slot, &name] {
        slot.database = MyDatabaseId;
        slot.name = name;
    });
}

bool name_of(Oid database, NameData *name) {
    Slot &slot = slot_of(database);
    return with_spinlock(&slot.mutex, [&slot, database, name] {
        const bool known = OidIsValid(database) && slot.database == database;
        if (known)
            *name = slot.name;
        return known;
    });
}

} // namespace dbperf::statements::database_names

using namespace dbperf::core;
using namespace dbperf::statements;

// known_database_name(oid) returns text: of a database in which statements were counted, also when it is gone; null:
// not known any more.
DBPERF_FUNCTION(dbperf_known_database_name) {
    shared_memory::require_available();
    const Oid database = PG_GETARG_OID(0);
    NameData name;
    if (!database_names::name_of(database, &name))
        PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(query_text::of_database(NameStr(name), database)));
}
