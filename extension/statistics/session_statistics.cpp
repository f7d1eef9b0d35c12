#include "core/pg.h"

#include "statistics/session_statistics.h"

#include <algorithm>

#include "core/compat.h"
#include "core/guard.h"
#include "core/settings.h"
#include "statistics/column_statistics.h"
#include "statistics/json_members.h"
#include "statistics/store.h"

namespace dbperf::statistics::session_statistics {
using namespace core;

bool active = false;
uint64 uses = 0;

namespace {

constexpr size_t longest_name = 63;

char *setting = nullptr;

struct Entry {
    Oid relation; // key
    bool stale;
    ImportedRelation *imported; // null: none
    MemoryContext memory;
};

// Of the name that the setting has: all of it goes when that changes.
MemoryContext memory = nullptr;
HTAB *entries = nullptr;
MemoryContext retired = nullptr; // parent of what nobody finds any more, but somebody may still read
MemoryContext import_memory = nullptr;
bool import_known = false;
store::Import import{};
uint32 changes = 0; // of relations, since the session began
void (*on_first_use)() = nullptr;

void forget_all() {
    import_known = false;
    if (!entries)
        return;
    HASH_SEQ_STATUS sequence;
    hash_seq_init(&sequence, entries);
    while (auto *entry = static_cast<Entry *>(hash_seq_search(&sequence)))
        entry->stale = true;
}

// Callbacks of invalidation may come at any catalog access: they only mark.
void relation_changed(Datum, Oid relation) {
    ++changes;
    if (!OidIsValid(relation)) {
        forget_all();
        return;
    }
    if (!entries)
        return;
    if (auto *entry = static_cast<Entry *>(hash_search(entries, &relation, HASH_FIND, nullptr)))
        entry->stale = true;
}

void make_room() {
    if (memory)
        return;
    memory = AllocSetContextCreate(CacheMemoryContext, "dbperf imported statistics", ALLOCSET_DEFAULT_SIZES);
    retired = AllocSetContextCreate(memory, "dbperf retired statistics", ALLOCSET_SMALL_SIZES);
    import_memory = AllocSetContextCreate(memory, "dbperf import", ALLOCSET_SMALL_SIZES);
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(Entry);
    control.hcxt = memory;
    entries = hash_create("dbperf imported statistics", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    static bool registered = false;
    if (!registered) {
        registered = true;
        CacheRegisterRelcacheCallback(relation_changed, Datum{0});
    }
}

StoredSize size_of(JsonbContainer *data) {
    const double pages = json::number_or(data, "pages", 0);
    return {pages, json::number_or(data, "rows", -1), json::number_or(data, "all_visible_pages", 0),
            json::number_or(data, "current_pages", pages)};
}

// What is being read of one relation.
struct Reading {
    Oid relation;
    Oid schema;
    ImportedRelation *into;
    ImportedColumn *columns;
    size_t column_count;
    size_t column_room;
    ImportedIndex *indexes;
    size_t index_count;
    size_t index_room;
    double file; // that the relation had when sizes were bound to it; 0: not known
};

template <typename Element>
Element *room_for_one(Element **elements, size_t *count, size_t *room) {
    if (*count == *room) {
        *room = std::max<size_t>(*room * 2, 8);
        const Size size = sizeof(Element) * *room;
        *elements = static_cast<Element *>(*elements ? repalloc_huge(*elements, size) : palloc(size));
    }
    Element *added = &(*elements)[(*count)++];
    *added = {};
    return added;
}

void read_column(const store::Row &row, const StatisticsColumn &column, ImportedColumn *into) {
    *into = {column.number, column.inherited, row.missing, nullptr};
    if (row.missing || !row.data)
        return;
    JsonbContainer *data = &row.data->root;
    const char *type = json::text_if_any(data, "type");
    HeapTuple tuple = nullptr;
    char *message = nullptr;
    // Of another type by now, or with values that the type does not take any more: it has no statistics then, as it
    // would have none there.
    if (type && strcmp(type, name_of_type(column.type)) == 0)
        tuple = try_column_statistics(column, data, &message);
    into->tuple = tuple;
}

ImportedIndex *index_of(Reading *reading, Oid index) {
    for (size_t i = 0; i < reading->index_count; ++i)
        if (reading->indexes[i].index == index)
            return &reading->indexes[i];
    ImportedIndex *added = room_for_one(&reading->indexes, &reading->index_count, &reading->index_room);
    added->index = index;
    added->height = -1;
    added->pending_pages = -1;
    added->valid = true;
    added->size = {0, -1, 0, -1};
    return added;
}

// A btree is not as large as a hash index of the same name.
bool is_of_method(Oid index, const char *method) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple))
        return false;
    const Oid own = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relam;
    ReleaseSysCache(tuple);
    HeapTuple access = method ? SearchSysCache1(AMNAME, CStringGetDatum(method)) : nullptr;
    if (!HeapTupleIsValid(access))
        return false;
    const bool same = reinterpret_cast<Form_pg_am>(GETSTRUCT(access))->oid == own;
    ReleaseSysCache(access);
    return same;
}

void read_index(Reading *reading, Oid index, const store::Row &row) {
    if (!is_of_method(index, json::text_if_any(&row.data->root, "method")))
        return;
    ImportedIndex *into = index_of(reading, index);
    JsonbContainer *data = &row.data->root;
    into->size = size_of(data);
    into->height = static_cast<int>(std::clamp(json::number_or(data, "tree_height", -1), -1.0, 100.0));
    into->position = static_cast<int>(std::clamp(json::number_or(data, "position", 0), 0.0, 1e6));
    into->valid = json::flag(data, "valid", true);
    JsonbValue gin;
    if (json::find(data, "pages_of_gin", &gin))
        into->pending_pages = json::number_or(json::object(gin, "pages_of_gin"), "pending", -1);
}

void read_row(const store::Row &row, void *context) {
    auto *reading = static_cast<Reading *>(context);
    if (strcmp(row.kind, "relation") == 0 && row.data) {
        const char *kind = json::text_if_any(&row.data->root, "kind");
        if (!kind || kind[0] != get_rel_relkind(reading->relation))
            return;
        reading->into->has_size = !row.missing;
        reading->into->size = size_of(&row.data->root);
        reading->file = json::number_or(&row.data->root, "bound_file", 0);
        reading->into->has_children = json::flag(&row.data->root, "has_children", false);
    } else if (strcmp(row.kind, "index") == 0 && row.data) {
        const Oid index = get_relname_relid(row.object, reading->schema);
        if (OidIsValid(index) && IndexGetRelation(index, true) == reading->relation)
            read_index(reading, index, row);
    } else if (strcmp(row.kind, "column") == 0 && !import.in_catalogs) {
        const AttrNumber number = get_attnum(reading->relation, row.object);
        if (number <= 0)
            return;
        StatisticsColumn column{reading->relation, number, row.inherited, InvalidOid, InvalidOid};
        int32 modifier;
        get_atttypetypmodcoll(reading->relation, number, &column.type, &modifier, &column.collation);
        read_column(row, column, room_for_one(&reading->columns, &reading->column_count, &reading->column_room));
    }
}

// Expressions of an index: they stand under its own name, in the order of their numbers.
struct ReadingIndex {
    Reading *reading;
    Oid index;
    ImportedColumn *columns;
    size_t count;
    size_t room;
};

void read_index_row(const store::Row &row, void *context) {
    auto *reading = static_cast<ReadingIndex *>(context);
    if (strcmp(row.kind, "index column") != 0 || !row.data)
        return;
    const double number = json::number_or(&row.data->root, "number", 0);
    if (!(number >= 1 && number <= INDEX_MAX_KEYS))
        return;
    StatisticsColumn column{reading->index, static_cast<AttrNumber>(number), false, InvalidOid, InvalidOid};
    int32 modifier;
    if (!SearchSysCacheExists2(ATTNUM, ObjectIdGetDatum(reading->index), Int16GetDatum(column.number)))
        return;
    get_atttypetypmodcoll(reading->index, column.number, &column.type, &modifier, &column.collation);
    read_column(row, column, room_for_one(&reading->columns, &reading->count, &reading->room));
}

void read_bound_index(Reading *reading, Oid index) {
    struct Bound {
        Reading *reading;
        Oid index;
    } bound{reading, index};
    store::visit_object(
        setting, index,
        [](const store::Row &row, void *context) {
            auto *found = static_cast<Bound *>(context);
            if (strcmp(row.kind, "index") == 0 && row.data)
                read_index(found->reading, found->index, row);
        },
        &bound);
}

void read_index_columns(Reading *reading, Oid index) {
    ReadingIndex each{reading, index, nullptr, 0, 0};
    const char *schema = get_namespace_name(get_rel_namespace(index));
    const char *index_name = get_rel_name(index);
    if (!schema || !index_name || !store::visit_relation(setting, schema, index_name, read_index_row, &each))
        return;
    index_of(reading, index)->columns = {each.columns, each.count};
}

void know_import() {
    if (import_known)
        return;
    MemoryContextReset(import_memory);
    with_memory_context(import_memory, [] { import = store::import_named(setting); });
    import_known = true;
}

// The table has another file than when its size was bound to it: nobody has vacuumed that, and an empty one was
// truncated.
void rewritten(Relation relation, ImportedRelation *imported) {
    imported->size.all_visible = 0;
    if (RELKIND_HAS_STORAGE(relation->rd_rel->relkind) && RelationGetNumberOfBlocks(relation) == 0)
        imported->size = {0, -1, 0, 0};
}

// Null if nothing is imported of it.
ImportedRelation *read_relation(Oid relation) {
    know_import();
    const char *relation_name = get_rel_name(relation);
    const char *schema = relation_name ? get_namespace_name(get_rel_namespace(relation)) : nullptr;
    if (!import.found || !schema)
        return nullptr;
    auto *imported = static_cast<ImportedRelation *>(palloc0(sizeof(ImportedRelation)));
    imported->in_catalogs = import.in_catalogs;
    Reading reading{};
    reading.relation = relation;
    reading.schema = get_rel_namespace(relation);
    reading.into = imported;
    const bool any = import.in_catalogs ? store::visit_object(setting, relation, read_row, &reading)
                                        : store::visit_relation(setting, schema, relation_name, read_row, &reading);
    if (!any)
        return nullptr;
    Relation opened = table_open(relation, AccessShareLock);
    if (reading.file != 0 && reading.file != static_cast<double>(opened->rd_rel->relfilenode))
        rewritten(opened, imported);
    List *indexes = RelationGetIndexList(opened);
    table_close(opened, AccessShareLock);
    for (int i = 0; i < list_length(indexes); ++i) {
        const Oid index = list_nth_oid(indexes, i);
        if (import.in_catalogs)
            read_bound_index(&reading, index);
        else
            read_index_columns(&reading, index);
    }
    imported->columns = {reading.columns, reading.column_count};
    imported->indexes = {reading.indexes, reading.index_count};
    return imported;
}

Entry *read_entry(Oid relation) {
    MemoryContext own = AllocSetContextCreate(memory, "dbperf statistics of a relation", ALLOCSET_SMALL_SIZES);
    ImportedRelation *imported = nullptr;
    const uint32 changes_before = changes;
    const bool done = catch_errors([&] { with_memory_context(own, [&] { imported = read_relation(relation); }); });
    if (!done)
        ereport(WARNING,
                errmsg("the statistics \"%s\" of relation \"%s\" cannot be used", setting,
                       get_rel_name(relation) ? get_rel_name(relation) : "?"),
                errhint("Import them again with dbperf.import_statistics()."));
    bool found = false;
    auto *entry = static_cast<Entry *>(hash_search(entries, &relation, HASH_ENTER, &found));
    entry->stale = changes != changes_before;
    entry->imported = done ? imported : nullptr;
    entry->memory = own;
    return entry;
}

bool check_name(char **value, void **, GucSource source) {
    const char *wanted = *value ? *value : "";
    if (strlen(wanted) > longest_name) {
        GUC_check_errdetail("The name is longer than %d bytes.", static_cast<int>(longest_name));
        return false;
    }
    // Where tables cannot be read the name is believed; plans are then as without it.
    if (wanted[0] == '\0' || !IsTransactionState() || !OidIsValid(MyDatabaseId) || InitializingParallelWorker ||
        IsParallelWorker() || source < PGC_S_INTERACTIVE || source == PGC_S_TEST)
        return true;
    bool known = false;
    if (!catch_errors([&] { known = store::import_named(wanted).found; }) || known)
        return true;
    GUC_check_errmsg("there are no imported statistics \"%s\" in this database", wanted);
    GUC_check_errhint("dbperf.import_statistics() makes some; the view dbperf.imported_statistics lists them.");
    return false;
}

void name_assigned(const char *value, void *) {
    const bool was_active = active;
    active = value && value[0] != '\0';
    if (!active && !was_active)
        return;
    if (on_first_use) {
        on_first_use();
        on_first_use = nullptr;
    }
    forget_all();
    // Plans that were made with other statistics are not to be used any more.
    ResetPlanCache();
}

} // namespace

void install(void (*before_first_use)()) {
    on_first_use = before_first_use;
    DefineCustomStringVariable("dbperf.statistics",
                               "Imported statistics that this session's plans are made with; empty: its own.",
                               "They have the name that dbperf.import_statistics() was given.", &setting, "",
                               PGC_USERSET, GUC_EXPLAIN, check_name, name_assigned, nullptr);
}

void forget_stale() {
    if (!retired)
        return;
    MemoryContextReset(retired);
    MemoryContextDeleteChildren(retired);
}

const ImportedRelation *find(Oid relation) {
    make_room();
    auto *entry = static_cast<Entry *>(hash_search(entries, &relation, HASH_FIND, nullptr));
    if (entry && entry->stale) {
        MemoryContextSetParent(entry->memory, retired);
        hash_search(entries, &relation, HASH_REMOVE, nullptr);
        entry = nullptr;
    }
    if (!entry)
        entry = read_entry(relation);
    return entry->imported;
}

const ImportedColumn *find_column(std::span<ImportedColumn> columns, AttrNumber number, bool inherited) {
    for (const ImportedColumn &each : columns)
        if (each.number == number && each.inherited == inherited)
            return &each;
    return nullptr;
}

const ImportedIndex *find_index(const ImportedRelation &relation, Oid index) {
    for (const ImportedIndex &each : relation.indexes)
        if (each.index == index)
            return &each;
    return nullptr;
}

const char *name() {
    return setting ? setting : "";
}

const Jsonb *planner_settings() {
    make_room();
    if (!catch_errors([] { know_import(); })) {
        import = {};
        import_known = true;
    }
    return import.found ? import.settings : nullptr;
}

} // namespace dbperf::statistics::session_statistics
