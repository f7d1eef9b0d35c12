#include "core/pg.h"

#include "statements/known_names.h"

#include "core/guard.h"
#include "core/hash.h"
#include "core/row_builder.h"
#include "core/shared_memory.h"
#include "statements/query_text.h"

namespace dbperf::statements::known_names {
using namespace core;

namespace {

enum class Kind : uint32 { database = 1, role };

struct Slot {
    slock_t mutex;
    Kind kind;
    Oid object; // invalid: free
    bool is_former;
    NameData name;
};

constexpr uint32 slot_count = 4096; // who makes a database for each test makes thousands

Slot *slots = nullptr;
bool knows_database = false;
Oid known_role = InvalidOid; // the last one

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

Slot &slot_of(Kind kind, Oid object) {
    return slots[mix_bits(uint64{static_cast<uint32>(kind)} << 32 | object) % slot_count];
}

bool is_of(const Slot &slot, Kind kind, Oid object) {
    return slot.object == object && slot.kind == kind;
}

void remember(Kind kind, Oid object, char *(*ask)(Oid object)) {
    NameData name{};
    bool found = false;
    if (!catch_errors([&name, &found, object, ask] {
            if (const char *own = ask(object)) {
                namestrcpy(&name, own);
                found = true;
            }
        }) ||
        !found)
        return;
    Slot &own = slot_of(kind, object);
    const bool is_new = with_spinlock(&own.mutex, [&own, &name, kind, object] {
        const bool known = is_of(own, kind, object) && strcmp(NameStr(own.name), NameStr(name)) == 0;
        own.kind = kind;
        own.object = object;
        own.is_former = false;
        own.name = name;
        return !known;
    });
    for (uint32 i = 0; i < slot_count && is_new; ++i) {
        Slot &other = slots[i];
        if (OidIsValid(other.object) && &other != &own)
            with_spinlock(&other.mutex, [&other, &name, kind] {
                other.is_former =
                    other.is_former || (other.kind == kind && strcmp(NameStr(other.name), NameStr(name)) == 0);
            });
    }
}

char *ask_role(Oid role) {
    return GetUserNameFromId(role, true);
}

const char *name_of(Kind kind, Oid object) {
    Slot &slot = slot_of(kind, object);
    NameData name;
    bool is_former = false;
    const bool known = with_spinlock(&slot.mutex, [&, object, kind] {
        name = slot.name;
        is_former = slot.is_former;
        return OidIsValid(object) && is_of(slot, kind, object);
    });
    if (!known)
        return nullptr;
    const char *text = query_text::of_database(NameStr(name), InvalidOid); // nobody knows its encoding any more
    return is_former ? psprintf("%s (dropped %u)", text, object) : text;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf known names", size, attach});
}

void remember(Oid role) {
    if (likely(knows_database && role == known_role) || !guard::catalogs_are_readable())
        return;
    if (!knows_database)
        remember(Kind::database, MyDatabaseId, get_database_name);
    knows_database = true;
    if (role != known_role)
        remember(Kind::role, role, ask_role);
    known_role = role;
}

const char *of_database(Oid database) {
    return name_of(Kind::database, database);
}

const char *of_role(Oid role) {
    return name_of(Kind::role, role);
}

} // namespace dbperf::statements::known_names

using namespace dbperf::core;
using namespace dbperf::statements;

namespace {

Datum text_or_null(FunctionCallInfo fcinfo, const char *name) {
    if (!name)
        PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(name));
}

} // namespace

// known_database_name(oid) and known_role_name(oid) return text: of what statements were counted of, also when it is
// gone; null: not known any more.
DBPERF_FUNCTION(dbperf_known_database_name) {
    shared_memory::require_available();
    return text_or_null(fcinfo, known_names::of_database(PG_GETARG_OID(0)));
}

DBPERF_FUNCTION(dbperf_known_role_name) {
    shared_memory::require_available();
    return text_or_null(fcinfo, known_names::of_role(PG_GETARG_OID(0)));
}
