// Direct-mapped tables: what falls out is asked for again.
#include "core/pg.h"

#include "lookups/value_type.h"

#include <array>

#include "core/guard.h"
#include "lookups/equality.h"
#include "lookups/key_hash.h"

namespace dbperf::lookups::value_type {
using namespace core;

namespace {

constexpr size_t places = 128;

// An object of the catalog, and the hash by which the server says that it has changed.
template <typename Value>
struct Known {
    Oid oid; // invalid: free
    uint32 change;
    Value value;
};

struct TypeFacts {
    ValueType type;
    Oid element;
};

std::array<Known<TypeFacts>, places> types{};
std::array<Known<Comparison>, places> operators{};
std::array<Known<uint64>, places> labels{};

template <typename Value>
Known<Value> &place_of(std::array<Known<Value>, places> &table, Oid oid) {
    return table[oid % places];
}

template <typename Value>
void forget(std::array<Known<Value>, places> &table, uint32 change) {
    for (Known<Value> &known : table)
        if (change == 0 || known.change == change)
            known.oid = InvalidOid;
}

void watch_changes() {
    static bool watched = false;
    if (watched)
        return;
    watched = true;
    CacheRegisterSyscacheCallback(
        TYPEOID, [](Datum, auto, uint32 change) { forget(types, change); }, Datum{0});
    CacheRegisterSyscacheCallback(
        ENUMOID, [](Datum, auto, uint32 change) { forget(labels, change); }, Datum{0});
    // Its places in the families, whichever they are.
    CacheRegisterSyscacheCallback(
        AMOPOPID, [](Datum, auto, uint32) { forget(operators, 0); }, Datum{0});
}

constexpr ValueType made(Oid type, Reading reading, int16 length) {
    return {type, length, reading};
}

// The server's own types have fixed OIDs.
ValueType of_server(Oid type) {
    switch (type) {
    case INT4OID:
        return made(type, Reading::int4, 4);
    case INT8OID:
        return made(type, Reading::int8, 8);
    case INT2OID:
        return made(type, Reading::int2, 2);
    case UUIDOID:
        return made(type, Reading::uuid, UUID_LEN);
    case TEXTOID:
    case VARCHAROID:
        return made(type, Reading::text, -1);
    case BPCHAROID:
        return made(type, Reading::blank_padded, -1);
    case NAMEOID:
        return made(type, Reading::name, NAMEDATALEN);
    case CHAROID:
        return made(type, Reading::single_char, 1);
    case OIDOID:
        return made(type, Reading::oid, 4);
    case NUMERICOID:
        return made(type, Reading::numeric, -1);
    case FLOAT4OID:
        return made(type, Reading::float4, 4);
    case FLOAT8OID:
        return made(type, Reading::float8, 8);
    case DATEOID:
        return made(type, Reading::date, 4);
    case TIMESTAMPOID:
        return made(type, Reading::timestamp, 8);
    case TIMESTAMPTZOID:
        return made(type, Reading::timestamptz, 8);
    case TIMEOID:
        return made(type, Reading::time, 8);
    case TIMETZOID:
        return made(type, Reading::timetz, 12);
    case INTERVALOID:
        return made(type, Reading::interval, 16);
    case BYTEAOID:
        return made(type, Reading::bytes, -1);
    case BITOID:
    case VARBITOID:
        return made(type, Reading::bits, -1);
    case INETOID:
    case CIDROID:
        return made(type, Reading::network, -1);
    case CASHOID:
        return made(type, Reading::money, 8);
    case BOOLOID:
    case UNKNOWNOID:
    case CSTRINGOID:
    case VOIDOID:
    case RECORDOID:
    case INTERNALOID:
        return made(type, Reading::none, 0);
    default:
        return made(InvalidOid, Reading::none, 0);
    }
}

// citext has the layout of a text, and says so by its input function.
bool is_folded_text(const FormData_pg_type &form) {
    if (strcmp(NameStr(form.typname), "citext") != 0 || form.typlen != -1)
        return false;
    const HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(form.typinput));
    if (!HeapTupleIsValid(tuple))
        return false;
    bool is_null;
    const Datum source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &is_null);
    bool result = false;
    if (!is_null) {
        char *name = text_to_cstring(DatumGetTextPP(source));
        result = strcmp(name, "textin") == 0;
        pfree(name);
    }
    ReleaseSysCache(tuple);
    return result;
}

Reading reading_of(const FormData_pg_type &form) {
    switch (form.typtype) {
    case TYPTYPE_ENUM:
        return Reading::label;
    case TYPTYPE_BASE:
        break;
    case TYPTYPE_RANGE:
    case TYPTYPE_MULTIRANGE:
        return Reading::other;
    default:
        return Reading::none;
    }
    if (is_folded_text(form))
        return Reading::folded_text;
    if (form.typlen == -1)
        return Reading::other;
    if (form.typlen <= 0 || form.typlen > static_cast<int>(key_hash::longest_key))
        return Reading::none;
    return form.typbyval ? Reading::word : Reading::fixed;
}

void ask(Oid type, TypeFacts *facts) {
    facts->element = get_element_type(type);
    Oid base = type;
    for (int depth = 0; depth < 16; ++depth) {
        const ValueType own = of_server(base);
        if (OidIsValid(own.type)) {
            facts->type = own;
            return;
        }
        const HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(base));
        if (!HeapTupleIsValid(tuple))
            return;
        const FormData_pg_type &form = *reinterpret_cast<const FormData_pg_type *>(GETSTRUCT(tuple));
        const Oid domain_of = form.typtype == TYPTYPE_DOMAIN ? form.typbasetype : InvalidOid;
        if (!OidIsValid(domain_of))
            facts->type = {base, form.typlen, reading_of(form)};
        ReleaseSysCache(tuple);
        if (!OidIsValid(domain_of))
            return;
        base = domain_of;
    }
}

const TypeFacts &facts_of(Oid type) {
    static TypeFacts unknown;
    Known<TypeFacts> &known = place_of(types, type);
    if (likely(known.oid == type && OidIsValid(type)))
        return known.value;
    TypeFacts facts{{type, 0, Reading::none}, InvalidOid};
    if (!OidIsValid(type) || !guard::catalogs_are_readable() || !catch_errors([type, &facts] {
            watch_changes();
            ask(type, &facts);
        })) {
        unknown = {{type, 0, Reading::none}, InvalidOid};
        return unknown;
    }
    known = {type, GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(type)), facts};
    return known.value;
}

Comparison of_btree(int strategy) {
    switch (strategy) {
    case BTEqualStrategyNumber:
        return Comparison::equal;
    case BTLessEqualStrategyNumber:
        return Comparison::less_equal;
    case BTGreaterEqualStrategyNumber:
        return Comparison::greater_equal;
    default:
        return Comparison::range;
    }
}

void ask(Oid operator_oid, Comparison *comparison) {
    CatCList *places_of = SearchSysCacheList1(AMOPOPID, ObjectIdGetDatum(operator_oid));
    bool by_content = false;
    for (int i = 0; i < places_of->n_members; ++i) {
        const auto *place = reinterpret_cast<const FormData_pg_amop *>(GETSTRUCT(&places_of->members[i]->tuple));
        if (place->amopmethod == BTREE_AM_OID)
            *comparison = of_btree(place->amopstrategy);
        else if (place->amopmethod == HASH_AM_OID && *comparison == Comparison::none)
            *comparison = Comparison::equal;
        else if (place->amoppurpose == AMOP_SEARCH &&
                 (place->amopmethod == GIN_AM_OID || place->amopmethod == GIST_AM_OID ||
                  place->amopmethod == SPGIST_AM_OID))
            by_content = true;
    }
    ReleaseSysCacheList(places_of);
    if (*comparison != Comparison::none || !by_content)
        return;
    char *name = get_opname(operator_oid);
    if (name && strcmp(name, "@>") == 0)
        *comparison = Comparison::contains;
}

void ask(Oid label, uint64 *hash) {
    const HeapTuple tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(label));
    if (!HeapTupleIsValid(tuple))
        return;
    const char *name = NameStr(reinterpret_cast<const FormData_pg_enum *>(GETSTRUCT(tuple))->enumlabel);
    *hash = key_hash::of_text({name, strlen(name)});
    ReleaseSysCache(tuple);
}

} // namespace

ValueType of_any(Oid type) {
    // Without a table where none is needed.
    switch (type) {
    case INT8OID:
        return made(INT8OID, Reading::int8, 8);
    case UUIDOID:
        return made(UUIDOID, Reading::uuid, UUID_LEN);
    case TEXTOID:
        return made(TEXTOID, Reading::text, -1);
    case VARCHAROID:
        return made(VARCHAROID, Reading::text, -1);
    default:
        return facts_of(type).type;
    }
}

Oid element_of(Oid type) {
    return facts_of(type).element;
}

Comparison comparison_of(Oid operator_oid) {
    if (likely(is_key_equality(operator_oid)))
        return Comparison::equal;
    Known<Comparison> &known = place_of(operators, operator_oid);
    if (likely(known.oid == operator_oid))
        return known.value;
    if (is_common_equality(operator_oid))
        return Comparison::equal;
    Comparison comparison = Comparison::none;
    if (!OidIsValid(operator_oid) || !guard::catalogs_are_readable() || !catch_errors([operator_oid, &comparison] {
            watch_changes();
            ask(operator_oid, &comparison);
        }))
        return Comparison::none;
    known = {operator_oid, 0, comparison};
    return comparison;
}

uint64 hash_of_label(Oid label) {
    Known<uint64> &known = place_of(labels, label);
    if (likely(known.oid == label && OidIsValid(label)))
        return known.value;
    uint64 hash = 0;
    if (!OidIsValid(label) || !guard::catalogs_are_readable() || !catch_errors([label, &hash] {
            watch_changes();
            ask(label, &hash);
        }))
        return 0;
    if (hash != 0)
        known = {label, GetSysCacheHashValue1(ENUMOID, ObjectIdGetDatum(label)), hash};
    return hash;
}

} // namespace dbperf::lookups::value_type
