// See the header.
#include "server/pg.h"

#include "observe/lock_trace_relation.h"

#include <array>

#include "analysis/hash.h"
#include "observe/key_value.h"
#include "server/guard.h"

namespace dbperf::lock_trace {
namespace {

constexpr long most_relations = 4096;

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

// False for a key that cannot be read from a row, or not from every one.
bool read_key(Relation relation, Oid index, Oid root, UniqueKey *key, bool *is_primary, bool *is_plain) {
    const HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple))
        return false;
    const auto form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
    bool usable = form->indisunique && form->indislive && form->indnkeyatts <= UniqueKey::most_columns &&
                  heap_attisnull(tuple, Anum_pg_index_indpred, nullptr) &&
                  heap_attisnull(tuple, Anum_pg_index_indexprs, nullptr);
    if (usable) {
        const TupleDesc columns = RelationGetDescr(relation);
        Hash64 hash;
        hash.add(static_cast<uint64>(root));
        *is_primary = form->indisprimary;
        *is_plain = true;
        key->index = index;
        key->count = form->indnkeyatts;
        for (int i = 0; i < key->count && usable; ++i) {
            const AttrNumber number = form->indkey.values[i];
            if (number <= 0) {
                usable = false;
                break;
            }
            const Form_pg_attribute attribute = TupleDescAttr(columns, number - 1);
            KeyColumn &column = key->columns[i];
            column.number = number;
            column.type = key_value::base_type(attribute->atttypid);
            column.collation = attribute->attcollation;
            column.length = attribute->attlen;
            column.by_value = attribute->attbyval;
            column.hashing = nullptr;
            if (!column.by_value && !is_bytewise(column.type, column.collation)) {
                column.hashing = lookup_type_cache(column.type, TYPECACHE_HASH_EXTENDED_PROC_FINFO);
                usable = OidIsValid(column.hashing->hash_extended_proc_finfo.fn_oid);
            }
            *is_plain &= attribute->attnotnull;
            hash.add(std::string_view(NameStr(attribute->attname)));
        }
        key->identity = hash.value();
    }
    ReleaseSysCache(tuple);
    return usable;
}

void name_key(Relation relation, const UniqueKey &key, char *into, size_t room) {
    into[0] = '\0';
    for (int i = 0; i < key.count; ++i) {
        if (i > 0)
            strlcat(into, ", ", room);
        strlcat(
            into,
            quote_identifier(NameStr(TupleDescAttr(RelationGetDescr(relation), key.columns[i].number - 1)->attname)),
            room);
    }
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
    int best = -1, best_rank = 0;
    foreach (cell, indexes) {
        if (facts->key_count == RelationFacts::most_keys)
            break;
        UniqueKey &key = facts->keys[facts->key_count];
        bool is_primary, is_plain;
        if (!read_key(relation, lfirst_oid(cell), root, &key, &is_primary, &is_plain))
            continue;
        const int rank = is_primary ? 3 : is_plain ? 2 : 1;
        if (rank > best_rank)
            best = facts->key_count, best_rank = rank;
        for (int i = 0; i < key.count; ++i)
            facts->key_columns = bms_add_member(facts->key_columns, key.columns[i].number);
        ++facts->key_count;
    }
    if (best > 0)
        std::swap(facts->keys[0], facts->keys[best]);
    if (best >= 0)
        name_key(relation, facts->keys[0], facts->key_names, sizeof(facts->key_names));
}

void read_facts(Oid relation_id, RelationFacts *facts) {
    // Whoever asks holds a lock on it.
    const Relation relation = RelationIdGetRelation(relation_id);
    if (!RelationIsValid(relation))
        return;
    const Oid root = outermost_parent(relation);
    const char *schema = get_namespace_name(RelationGetNamespace(relation));
    strlcpy(facts->name, quote_qualified_identifier(schema, RelationGetRelationName(relation)), sizeof(facts->name));
    facts->identity = mix_bits(root);
    const char kind = relation->rd_rel->relkind;
    facts->is_table = kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_MATVIEW;
    if (facts->is_table)
        with_memory_context(TopMemoryContext, [=] { read_keys(relation, facts, root); });
    RelationClose(relation);
    facts->stale = false;
}

RelationFacts *make_facts(Oid relation) {
    if (!relations) {
        HASHCTL control{};
        control.keysize = sizeof(Oid);
        control.entrysize = sizeof(RelationFacts);
        control.hcxt = TopMemoryContext;
        relations = hash_create("dbperf relations", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
        CacheRegisterRelcacheCallback(invalidated, Datum{0});
    }
    if (hash_get_num_entries(relations) >= most_relations)
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
    facts->key_names[0] = '\0';
    facts->key_count = 0;
    facts->is_table = false;
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
    if ((!facts || facts->stale) && !attempt([&] { facts = make_facts(relation); }))
        return nullptr;
    if (!facts || facts->stale)
        return nullptr;
    slot = facts;
    return facts;
}

const RelationFacts *known_facts(Oid relation) {
    return relations ? static_cast<RelationFacts *>(hash_search(relations, &relation, HASH_FIND, nullptr)) : nullptr;
}

uint64 hash_of_value(const KeyColumn &column, Datum value) {
    if (likely(column.type == INT4OID))
        return key_value::hash_of_integer(DatumGetInt32(value));
    if (column.by_value)
        return mix_bits(value);
    uint64 hash = 0;
    // Toasted values have to be read.
    attempt([&] {
        if (column.hashing) {
            hash = DatumGetUInt64(FunctionCall2Coll(&column.hashing->hash_extended_proc_finfo, column.collation, value,
                                                    UInt64GetDatum(0))) |
                   1;
        } else if (column.length > 0) {
            hash = hash_text({DatumGetCString(value), static_cast<size_t>(column.length)}) | 1;
        } else if (column.length == -1) {
            const struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
            hash = hash_text({VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)}) | 1;
        }
    });
    return hash;
}

int text_of_value(const KeyColumn &column, Datum value, char *into, int room) {
    if (room <= 0)
        return 0;
    int length = 0;
    attempt([&] {
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

} // namespace dbperf::lock_trace
