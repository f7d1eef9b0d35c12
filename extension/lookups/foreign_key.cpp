#include "core/pg.h"

#include "lookups/foreign_key.h"

#include "core/compat.h"
#include "core/guard.h"
#include "core/relation_name.h"

namespace dbperf::lookups {
using namespace core;

namespace {

constexpr long many_keys = 256;
constexpr long max_keys = 1024;

struct Known {
    ForeignKey key; // begins with the constraint, by which it is found
    bool stale;
    char *text;
    uint32 constraint_hash;
    uint32 parent_hash;
    uint32 schema_hash;
    uint32 column_hashes[ForeignKey::max_columns];
    bool unseen; // checked by the server itself
};

MemoryContext memory = nullptr; // of all that follows
HTAB *known = nullptr;

bool concerns(const Known &entry, compat::CacheNumber cache, uint32 hash) {
    if (hash == 0)
        return true;
    if (cache == CONSTROID)
        return entry.constraint_hash == hash;
    if (cache == RELOID)
        return entry.parent_hash == hash;
    if (cache == NAMESPACEOID)
        return entry.schema_hash == hash;
    for (int i = 0; i < entry.key.count; ++i)
        if (entry.column_hashes[i] == hash)
            return true;
    return false;
}

void invalidated(Datum, compat::CacheNumber cache, uint32 hash) {
    if (!known)
        return;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, known);
    while (auto *entry = static_cast<Known *>(hash_seq_search(&scan)))
        entry->stale = entry->stale || concerns(*entry, cache, hash);
}

void append_quoted(StringInfo text, const char *name) {
    appendStringInfoChar(text, '"');
    for (; *name; ++name) {
        if (*name == '"')
            appendStringInfoChar(text, '"');
        appendStringInfoChar(text, *name);
    }
    appendStringInfoChar(text, '"');
}

// As the catalog has it.
struct Definition {
    int count;
    AttrNumber child[INDEX_MAX_KEYS];
    AttrNumber parent[INDEX_MAX_KEYS];
    Oid equality[INDEX_MAX_KEYS]; // parent's = child's
    Oid others[2][INDEX_MAX_KEYS];
    int set_count;
    AttrNumber set[INDEX_MAX_KEYS];
};

// The statement of RI_FKey_check() up to 18.
char *write_check(const Form_pg_constraint constraint, const Form_pg_class parent, const Definition &definition) {
    StringInfoData text;
    initStringInfo(&text);
    appendStringInfoString(&text, "SELECT 1 FROM ONLY ");
    append_quoted(&text, get_namespace_name(parent->relnamespace));
    appendStringInfoChar(&text, '.');
    append_quoted(&text, NameStr(parent->relname));
    appendStringInfoString(&text, " x");
    for (int i = 0; i < definition.count; ++i) {
        StringInfoData column;
        initStringInfo(&column);
        append_quoted(&column, get_attname(constraint->confrelid, definition.parent[i], false));
        appendStringInfoString(&text, i == 0 ? " WHERE " : " AND ");
        generate_operator_clause(&text, column.data, get_atttype(constraint->confrelid, definition.parent[i]),
                                 definition.equality[i], psprintf("$%d", i + 1),
                                 get_atttype(constraint->conrelid, definition.child[i]));
    }
    appendStringInfoString(&text, " FOR KEY SHARE OF x");
    return MemoryContextStrdup(memory, text.data);
}

bool write_columns(const Form_pg_constraint constraint, const Definition &definition, Known *entry) {
    const HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(constraint->conindid));
    if (!HeapTupleIsValid(tuple))
        return false;
    const auto index = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
    entry->key.count = 0;
    bool whole = index->indnkeyatts == definition.count && definition.count <= ForeignKey::max_columns;
    for (int i = 0; i < definition.count && whole; ++i) {
        int from = 0;
        while (from < definition.count && definition.parent[from] != index->indkey.values[i])
            ++from;
        whole = from < definition.count;
        if (!whole)
            break;
        ForeignKey::Column &column = entry->key.columns[i];
        entry->column_hashes[i] = GetSysCacheHashValue2(ATTNUM, ObjectIdGetDatum(constraint->confrelid),
                                                        Int16GetDatum(definition.parent[from]));
        ++entry->key.count;
        column.child = definition.child[from];
        column.child_type = get_atttype(constraint->conrelid, column.child);
        column.equality = definition.equality[from];
        strlcpy(column.name, get_attname(constraint->confrelid, definition.parent[from], false), sizeof(column.name));
    }
    ReleaseSysCache(tuple);
    return whole;
}

void read(Oid constraint_id, Known *entry) {
    const HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint_id));
    if (!HeapTupleIsValid(tuple))
        return;
    const auto constraint = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
    const HeapTuple relation = SearchSysCache1(RELOID, ObjectIdGetDatum(constraint->confrelid));
    if (HeapTupleIsValid(relation)) {
        const auto parent = reinterpret_cast<Form_pg_class>(GETSTRUCT(relation));
        Definition definition;
        DeconstructFkConstraintRow(tuple, &definition.count, definition.child, definition.parent, definition.equality,
                                   definition.others[0], definition.others[1], &definition.set_count, definition.set);
        entry->key.parent = constraint->confrelid;
        entry->key.index = constraint->conindid;
        entry->key.deferrable = constraint->condeferrable;
        entry->constraint_hash = GetSysCacheHashValue1(CONSTROID, ObjectIdGetDatum(constraint_id));
        entry->parent_hash = GetSysCacheHashValue1(RELOID, ObjectIdGetDatum(constraint->confrelid));
        entry->schema_hash = GetSysCacheHashValue1(NAMESPACEOID, ObjectIdGetDatum(parent->relnamespace));
        // From here on the catalog's changes are heard of.
        entry->stale = false;
        entry->unseen = parent->relkind == RELKIND_RELATION && !compat::has_period(constraint) &&
                        write_columns(constraint, definition, entry);
        if (entry->unseen) {
            name_relation(constraint->confrelid, entry->key.parent_name);
            entry->key.check = entry->text = write_check(constraint, parent, definition);
        }
        ReleaseSysCache(relation);
    }
    ReleaseSysCache(tuple);
}

Known *read_anew(Oid constraint) {
    static bool watching = false;
    if (!watching)
        for (const auto cache : {CONSTROID, RELOID, NAMESPACEOID, ATTNUM})
            CacheRegisterSyscacheCallback(cache, invalidated, Datum{0});
    watching = true;
    if (!memory)
        memory = AllocSetContextCreate(TopMemoryContext, "dbperf foreign keys", ALLOCSET_DEFAULT_SIZES);
    if (!known) {
        HASHCTL control{};
        control.keysize = sizeof(Oid);
        control.entrysize = sizeof(Known);
        control.hcxt = memory;
        known = hash_create("dbperf foreign keys", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    }
    if (hash_get_num_entries(known) >= max_keys)
        return nullptr;
    bool found;
    auto *entry = static_cast<Known *>(hash_search(known, &constraint, HASH_ENTER, &found));
    if (found && entry->text)
        pfree(entry->text);
    memset(reinterpret_cast<char *>(entry) + sizeof(Oid), 0, sizeof(Known) - sizeof(Oid));
    entry->stale = true;
    read(constraint, entry);
    return entry;
}

} // namespace

const ForeignKey *foreign_key(Oid constraint) {
    static_assert(offsetof(Known, key) == 0 && offsetof(ForeignKey, constraint) == 0);
    auto *entry = known ? static_cast<Known *>(hash_search(known, &constraint, HASH_FIND, nullptr)) : nullptr;
    if (unlikely(!entry || entry->stale) && !catch_errors([&] { entry = read_anew(constraint); }))
        return nullptr;
    return entry && entry->unseen && !entry->stale ? &entry->key : nullptr;
}

void forget_many_foreign_keys() {
    if (likely(!known || hash_get_num_entries(known) < many_keys))
        return;
    known = nullptr;
    MemoryContextReset(memory);
}

} // namespace dbperf::lookups
