#include "core/pg.h"

#include "deadlock_prediction/lock_trace_relation.h"

#include <array>

#include "core/compat.h"
#include "lookups/foreign_key.h"
#include "core/guard.h"
#include "core/hash.h"
#include "lookups/key_value.h"

namespace dbperf::deadlock_prediction::lock_trace {
using namespace core;
using namespace lookups;

namespace {

constexpr long many_relations = 512;
constexpr long max_relations = 4096; // below one transaction

MemoryContext memory = nullptr; // of all that follows
HTAB *relations = nullptr;
std::array<RelationFacts *, 128> recent{};

void invalidated(Datum, Oid relation) {
    if (!relations)
        return;
    if (OidIsValid(relation)) {
        auto *facts = static_cast<RelationFacts *>(hash_search(relations, &relation, HASH_FIND, nullptr));
        if (facts)
            facts->stale = true;
        return;
    }
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, relations);
    while (auto *facts = static_cast<RelationFacts *>(hash_seq_search(&scan)))
        facts->stale = true;
}

bool is_bytewise(Oid type, Oid collation) {
    if (type == TEXTOID || type == VARCHAROID)
        return !OidIsValid(collation) || get_collation_isdeterministic(collation);
    return type == UUIDOID || type == NAMEOID || type == BYTEAOID;
}

// Whether equal values are in each other's way, as with = and &&, but not with <>.
bool excludes_equal(Oid index_id) {
    const Relation index = RelationIdGetRelation(index_id);
    if (!RelationIsValid(index))
        return false;
    Oid *operators, *functions;
    uint16 *strategies;
    RelationGetExclusionInfo(index, &operators, &functions, &strategies);
    bool result = true;
    for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); ++i) {
        const char *name = get_opname(operators[i]);
        result &= name && (strcmp(name, "=") == 0 || strcmp(name, "&&") == 0);
    }
    RelationClose(index);
    return result;
}

// A function in C. One in another language would run statements of its own, which may fail with what they hold.
bool is_native(Oid function) {
    const HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple))
        return false;
    const Oid language = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->prolang;
    ReleaseSysCache(tuple);
    return language == INTERNALlanguageId || language == ClanguageId;
}

// Those of arrays and ranges call those of their elements.
bool is_hashed_natively(Oid type) {
    const TypeCacheEntry *hashing = lookup_type_cache(type, TYPECACHE_HASH_EXTENDED_PROC_FINFO);
    if (type_is_rowtype(type) || !is_native(hashing->hash_extended_proc_finfo.fn_oid))
        return false;
    Oid inner = get_element_type(type);
    if (!OidIsValid(inner) && type_is_range(type))
        inner = get_range_subtype(type);
    if (!OidIsValid(inner) && type_is_multirange(type))
        inner = get_multirange_range(type);
    return !OidIsValid(inner) || is_hashed_natively(value_type::base_of(inner));
}

bool read_column(const Form_pg_attribute attribute, KeyColumn *column) {
    column->number = attribute->attnum;
    column->type = value_type::base_of(attribute->atttypid);
    column->collation = attribute->attcollation;
    column->length = attribute->attlen;
    column->by_value = attribute->attbyval;
    column->hashing = nullptr;
    if (column->by_value || is_bytewise(column->type, column->collation))
        return true;
    column->hashing = lookup_type_cache(column->type, TYPECACHE_HASH_EXTENDED_PROC_FINFO);
    return is_hashed_natively(column->type);
}

// A cut within a character would leave half of it.
void clip(char *text) {
    const int length = static_cast<int>(strlen(text));
    text[pg_mbcliplen(text, length, length)] = '\0';
}

// How well the key separates rows: 3 is best, -1 is not at all, and 0 only who may not be there together.
int read_key(Relation relation, Oid index, Oid root, UniqueKey *key) {
    const HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple))
        return -1;
    const auto form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
    const bool excludes = form->indisexclusion && !form->indisunique && !form->indisprimary;
    bool usable = (form->indisunique || excludes) && form->indislive && form->indnkeyatts <= UniqueKey::max_columns &&
                  heap_attisnull(tuple, Anum_pg_index_indpred, nullptr) &&
                  heap_attisnull(tuple, Anum_pg_index_indexprs, nullptr);
    int rank = form->indisprimary ? 3 : excludes ? 0 : 2;
    if (usable) {
        Hash64 hash;
        hash.add(static_cast<uint64>(root) << 1 | static_cast<uint64>(excludes));
        key->index = index;
        key->identifies = !excludes;
        key->count = form->indnkeyatts;
        key->names[0] = '\0';
        for (int i = 0; i < key->count && usable; ++i) {
            const AttrNumber number = form->indkey.values[i];
            usable = number > 0 && read_column(TupleDescAttr(RelationGetDescr(relation), number - 1), &key->columns[i]);
            if (!usable)
                break;
            const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), number - 1);
            if (rank == 2 && !attribute->attnotnull)
                rank = 1;
            hash.add(std::string_view(NameStr(attribute->attname)));
            if (i > 0)
                strlcat(key->names, ", ", sizeof(key->names));
            strlcat(key->names, quote_identifier(NameStr(attribute->attname)), sizeof(key->names));
        }
        key->identity = hash.value();
        clip(key->names);
    }
    ReleaseSysCache(tuple);
    return usable && (!excludes || excludes_equal(index)) ? rank : -1;
}

Oid outermost_parent(Relation relation) {
    if (!relation->rd_rel->relispartition)
        return RelationGetRelid(relation);
    const List *parents = get_partition_ancestors(RelationGetRelid(relation));
    return parents == NIL ? RelationGetRelid(relation) : llast_oid(parents);
}

void read_keys(Relation relation, RelationFacts *facts, Oid root) {
    const List *indexes = RelationGetIndexList(relation);
    const ListCell *cell;
    int best = 0, best_rank = 0;
    foreach (cell, indexes) {
        if (facts->key_count == RelationFacts::max_keys)
            break;
        UniqueKey &key = facts->keys[facts->key_count];
        const int rank = read_key(relation, lfirst_oid(cell), root, &key);
        if (rank < 0)
            continue;
        if (rank > best_rank)
            best = facts->key_count, best_rank = rank;
        ++facts->key_count;
    }
    if (best > 0)
        std::swap(facts->keys[0], facts->keys[best]);
    const Bitmapset *columns = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_KEY);
    with_memory_context(memory, [=] { facts->key_columns = bms_copy(columns); });
}

bool may_defer_checks(Relation relation) {
    const ListCell *cell;
    if constexpr (compat::checks_foreign_keys_itself)
        foreach (cell, static_cast<const List *>(copyObjectImpl(RelationGetFKeyList(relation)))) {
            const ForeignKey *key = foreign_key(static_cast<const ForeignKeyCacheInfo *>(lfirst(cell))->conoid);
            if (key && key->deferrable)
                return true;
        }
    return false;
}

void read_facts(Oid relation_id, RelationFacts *facts) {
    // Whoever asks holds a lock on it.
    const Relation relation = RelationIdGetRelation(relation_id);
    if (!RelationIsValid(relation))
        return;
    const Oid root = outermost_parent(relation);
    const char *schema = get_namespace_name(RelationGetNamespace(relation));
    strlcpy(facts->name, quote_qualified_identifier(schema, RelationGetRelationName(relation)), sizeof(facts->name));
    clip(facts->name);
    facts->identity = mix_bits(root);
    const char kind = relation->rd_rel->relkind;
    facts->is_table = kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_MATVIEW;
    facts->is_toast = kind == RELKIND_TOASTVALUE;
    facts->is_new = relation->rd_createSubid != InvalidSubTransactionId;
    if (relation->rd_index)
        facts->indexed = relation->rd_index->indrelid;
    if (facts->is_table) {
        read_keys(relation, facts, root);
        facts->defers_checks = may_defer_checks(relation);
    }
    RelationClose(relation);
    facts->stale = false;
}

RelationFacts *make_facts(Oid relation) {
    static bool watching = false;
    if (!watching)
        CacheRegisterRelcacheCallback(invalidated, Datum{0});
    watching = true;
    if (!memory)
        memory = AllocSetContextCreate(TopMemoryContext, "dbperf relations", ALLOCSET_DEFAULT_SIZES);
    if (!relations) {
        HASHCTL control{};
        control.keysize = sizeof(Oid);
        control.entrysize = sizeof(RelationFacts);
        control.hcxt = memory;
        relations = hash_create("dbperf relations", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    }
    if (hash_get_num_entries(relations) >= max_relations)
        return nullptr;
    bool found;
    auto *facts = static_cast<RelationFacts *>(hash_search(relations, &relation, HASH_ENTER, &found));
    if (!found) {
        facts->key_columns = nullptr;
        facts->name[0] = '\0';
    }
    facts->stale = true;
    bms_free(facts->key_columns);
    facts->key_columns = nullptr;
    facts->key_count = 0;
    facts->is_table = false;
    facts->is_toast = false;
    facts->is_new = false;
    facts->defers_checks = false;
    facts->indexed = InvalidOid;
    read_facts(relation, facts);
    return facts;
}

} // namespace

const RelationFacts *facts_of(Oid relation) {
    RelationFacts *&slot = recent[relation % recent.size()];
    if (likely(slot && slot->relation == relation && !slot->stale))
        return slot;
    auto *facts =
        relations ? static_cast<RelationFacts *>(hash_search(relations, &relation, HASH_FIND, nullptr)) : nullptr;
    if ((!facts || facts->stale) && !catch_errors([&] { facts = make_facts(relation); }))
        return nullptr;
    if (!facts || facts->stale)
        return nullptr;
    slot = facts;
    return facts;
}

const RelationFacts *known_facts(Oid relation) {
    return relations ? static_cast<RelationFacts *>(hash_search(relations, &relation, HASH_FIND, nullptr)) : nullptr;
}

void forget_if_many() {
    if (likely(!relations || hash_get_num_entries(relations) < many_relations))
        return;
    relations = nullptr;
    recent.fill(nullptr);
    MemoryContextReset(memory);
}

namespace {

[[gnu::noinline]] uint64 hash_of_unpacked(const KeyColumn &column, Datum value) {
    uint64 hash = 0;
    catch_errors([&] {
        if (column.hashing) {
            hash = DatumGetUInt64(FunctionCall2Coll(&column.hashing->hash_extended_proc_finfo, column.collation, value,
                                                    UInt64GetDatum(0))) |
                   1;
        } else {
            const struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
            hash = hash_text({VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)}) | 1;
        }
    });
    return hash;
}

} // namespace

uint64 hash_of_value(const KeyColumn &column, Datum value) {
    if (likely(column.type == INT4OID))
        return key_hash::of_integer(DatumGetInt32(value));
    if (column.by_value)
        return mix_bits(value);
    if (!column.hashing && column.length > 0)
        return hash_text({DatumGetCString(value), static_cast<size_t>(column.length)}) | 1;
    if (!column.hashing && column.length == -1) {
        const auto *bytes = reinterpret_cast<const struct varlena *>(DatumGetPointer(value));
        if (!VARATT_IS_EXTERNAL(bytes) && !VARATT_IS_COMPRESSED(bytes))
            return hash_text({VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)}) | 1;
    }
    // Toasted values have to be read, and functions may fail.
    return column.hashing || column.length == -1 ? hash_of_unpacked(column, value) : 0;
}

int text_of_value(const KeyColumn &column, Datum value, char *into, int room) {
    if (room <= 0)
        return 0;
    int length = 0;
    catch_errors([&] {
        Oid function;
        bool is_varlena;
        getTypeOutputInfo(column.type, &function, &is_varlena);
        char *text = OidOutputFunctionCall(function, value);
        const int whole = static_cast<int>(strlen(text));
        length = whole <= room ? whole : pg_mbcliplen(text, whole, room);
        memcpy(into, text, static_cast<Size>(length));
        pfree(text);
    });
    return length;
}

} // namespace dbperf::deadlock_prediction::lock_trace
