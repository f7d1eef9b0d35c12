#include "core/pg.h"

#include "lookups/foreign_key.h"

#include <array>

#include "core/compat.h"
#include "core/guard.h"
#include "core/relation_name.h"

namespace dbperf::lookups {
using namespace core;

namespace {

struct Known {
    ForeignKey key; // its constraint is 0: free, or out of date
    char *text;
    uint32 constraint_hash;
    uint32 parent_hash;
    uint32 schema_hash;
    uint32 column_hashes[ForeignKey::max_columns];
    bool unseen; // checked by the server itself
};

std::array<Known, 64> known{};

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
    for (Known &entry : known)
        if (OidIsValid(entry.key.constraint) && concerns(entry, cache, hash))
            entry.key.constraint = InvalidOid;
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
    return MemoryContextStrdup(TopMemoryContext, text.data);
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
        entry->key.constraint = constraint_id;
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

[[gnu::noinline]] void read_anew(Oid constraint, Known *entry) {
    static bool watching = false;
    if (!watching)
        for (const auto cache : {CONSTROID, RELOID, NAMESPACEOID, ATTNUM})
            CacheRegisterSyscacheCallback(cache, invalidated, Datum{0});
    watching = true;
    entry->key.constraint = InvalidOid;
    if (entry->text)
        pfree(entry->text);
    entry->text = nullptr;
    read(constraint, entry);
}

} // namespace

const ForeignKey *foreign_key(Oid constraint) {
    Known *entry = &known[constraint % known.size()];
    if (unlikely(entry->key.constraint != constraint)) {
        if (!catch_errors([=] { read_anew(constraint, entry); }))
            entry->key.constraint = InvalidOid;
        if (entry->key.constraint != constraint)
            return nullptr;
    }
    return entry->unseen ? &entry->key : nullptr;
}

} // namespace dbperf::lookups
