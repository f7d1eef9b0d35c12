// A row of the template stands where it stood when the template was prepared; one that was added since is
// looked at in the copy's own page.
#include "core/pg.h"

#include "database_pool/catalog_rows.h"

#include <span>

#include "core/compat.h"
#include "database_pool/raw_pages.h"

namespace dbperf::database_pool::catalog_rows {
using namespace core;

namespace {

constexpr long max_rows = 200000;

struct Place {
    Oid space;
    uint32 file;
    BlockNumber block;
    uint32 offset;
};

struct Row {
    Place place;
    bool is_there; // at the end
    bool was_removed;
    bool was_overwritten; // in place
};

// An object that goes with a session.
struct Object {
    Oid catalog;
    Oid object;
};

} // namespace

struct Ledger {
    Oid database;
    Oid original;
    HTAB *rows;
    HTAB *temporary;
    TransactionId known;
    bool known_aborted;
    bool is_doubtful; // too many rows, or of a transaction that may yet take either way
    char contents[BLCKSZ];
};

namespace {

// Which object a row of a catalog belongs to, by an OID at a place of its own; the row's own OID makes it an object
// that others belong to.
struct Belonging {
    uint32 file;
    Oid owner_catalog;
    size_t owner;
    bool has_own_oid;
};
constexpr Belonging belongings[] = {
    {TypeRelationId, RelationRelationId, offsetof(FormData_pg_type, typrelid), true},
    {TypeRelationId, TypeRelationId, offsetof(FormData_pg_type, typelem), true},
    {AttributeRelationId, RelationRelationId, offsetof(FormData_pg_attribute, attrelid), false},
    {AttrDefaultRelationId, RelationRelationId, offsetof(FormData_pg_attrdef, adrelid), true},
    {ConstraintRelationId, RelationRelationId, offsetof(FormData_pg_constraint, conrelid), true},
    {IndexRelationId, RelationRelationId, offsetof(FormData_pg_index, indexrelid), false},
    {SequenceRelationId, RelationRelationId, offsetof(FormData_pg_sequence, seqrelid), false},
    {TriggerRelationId, RelationRelationId, offsetof(FormData_pg_trigger, tgrelid), true},
    {RewriteRelationId, RelationRelationId, offsetof(FormData_pg_rewrite, ev_class), true},
    {PolicyRelationId, RelationRelationId, offsetof(FormData_pg_policy, polrelid), true},
    {InheritsRelationId, RelationRelationId, offsetof(FormData_pg_inherits, inhrelid), false},
    {PartitionedRelationId, RelationRelationId, offsetof(FormData_pg_partitioned_table, partrelid), false},
    {StatisticExtRelationId, RelationRelationId, offsetof(FormData_pg_statistic_ext, stxrelid), true},
    {StatisticExtDataRelationId, StatisticExtRelationId, offsetof(FormData_pg_statistic_ext_data, stxoid), false},
    {StatisticRelationId, RelationRelationId, offsetof(FormData_pg_statistic, starelid), false},
};

// In a transaction that was with_rolled_back_subtransaction nothing was written but what is written in place.
bool is_undone(Ledger *ledger, TransactionId xid) {
    if (!TransactionIdIsValid(xid) || TransactionIdIsCurrentTransactionId(xid))
        return false;
    if (xid != ledger->known) {
        const bool running = TransactionIdIsInProgress(xid);
        ledger->is_doubtful = ledger->is_doubtful || running;
        ledger->known = xid;
        ledger->known_aborted = !running && !TransactionIdDidCommit(xid);
    }
    return ledger->known_aborted;
}

Row *row_at(Ledger *ledger, const Place &place) {
    static Row nowhere;
    if (hash_get_num_entries(ledger->rows) >= max_rows) {
        ledger->is_doubtful = true;
        return &nowhere;
    }
    bool found;
    Row *row = static_cast<Row *>(hash_search(ledger->rows, &place, HASH_ENTER, &found));
    if (!found)
        row->is_there = row->was_removed = row->was_overwritten = false;
    return row;
}

void add(Ledger *ledger, const Place &place) {
    row_at(ledger, place)->is_there = true;
}

void remove(Ledger *ledger, const Place &place) {
    Row *row = row_at(ledger, place);
    row->is_there = false;
    row->was_removed = true;
}

void note_many(Ledger *ledger, XLogReaderState *record, Place place) {
    const auto *data = reinterpret_cast<const xl_heap_multi_insert *>(XLogRecGetData(record));
    const bool from_first = (XLogRecGetInfo(record) & XLOG_HEAP_INIT_PAGE) != 0;
    for (int i = 0; i < data->ntuples; ++i) {
        place.offset = from_first ? static_cast<uint32>(i) + 1 : data->offsets[i];
        add(ledger, place);
    }
}

void note_update(Ledger *ledger, XLogReaderState *record, Place place) {
    const auto *data = reinterpret_cast<const xl_heap_update *>(XLogRecGetData(record));
    Place old = place;
    if (XLogRecHasBlockRef(record, 1))
        XLogRecGetBlockTag(record, 1, nullptr, nullptr, &old.block);
    old.offset = data->old_offnum;
    place.offset = data->new_offnum;
    remove(ledger, old);
    add(ledger, place);
}

// The contents of a row, without its header; null when there is none.
const char *contents_at(Ledger *ledger, Oid database, const Place &place) {
    const compat::FileLocator file = compat::file_locator(place.space, database, place.file);
    if (place.block >= raw_pages::length(file, MAIN_FORKNUM))
        return nullptr;
    return raw_pages::copy_row(file, place.block, static_cast<OffsetNumber>(place.offset), ledger->contents);
}

Oid oid_at(const char *contents, size_t offset) {
    Oid value;
    memcpy(&value, contents + offset, sizeof(value));
    return value;
}

bool is_temporary(const Ledger *ledger, const Object &object) {
    return OidIsValid(object.object) && hash_search(ledger->temporary, &object, HASH_FIND, nullptr);
}

void add_temporary(Ledger *ledger, const Object &object) {
    hash_search(ledger->temporary, &object, HASH_ENTER, nullptr);
}

bool is_temporary_schema(const char *contents) {
    const char *name = contents + offsetof(FormData_pg_namespace, nspname);
    return strncmp(name, "pg_temp_", 8) == 0 || strncmp(name, "pg_toast_temp_", 14) == 0;
}

bool is_temporary_row(Ledger *ledger, uint32 file, const char *contents) {
    if (file == NamespaceRelationId)
        return is_temporary_schema(contents);
    if (file == RelationRelationId) {
        if (contents[offsetof(FormData_pg_class, relpersistence)] != RELPERSISTENCE_TEMP)
            return false;
        add_temporary(ledger, {RelationRelationId, oid_at(contents, offsetof(FormData_pg_class, oid))});
        return true;
    }
    if (file == DependRelationId)
        return is_temporary(ledger, {oid_at(contents, offsetof(FormData_pg_depend, classid)),
                                     oid_at(contents, offsetof(FormData_pg_depend, objid))});
    if (file == DescriptionRelationId)
        return is_temporary(ledger, {oid_at(contents, offsetof(FormData_pg_description, classoid)),
                                     oid_at(contents, offsetof(FormData_pg_description, objoid))});
    for (const Belonging &each : belongings) {
        if (each.file != file || !is_temporary(ledger, {each.owner_catalog, oid_at(contents, each.owner)}))
            continue;
        if (each.has_own_oid)
            add_temporary(ledger, {file, oid_at(contents, 0)});
        return true;
    }
    return false;
}

void count(uint32 file, Differences *differences) {
    if (file == LargeObjectRelationId || file == LargeObjectMetadataRelationId)
        ++differences->large_objects;
    else if (file == StatisticRelationId || file == StatisticExtDataRelationId)
        ++differences->statistics;
    else
        ++differences->definitions;
}

// A row of the template.
void count_old(const Row &row, const char *contents, Differences *differences) {
    if (row.was_removed)
        count(row.place.file, differences);
    else if (row.was_overwritten && row.place.file != RelationRelationId)
        ++differences->definitions;
    // What catalogs look like does not matter to anybody's plans.
    else if (row.was_overwritten && oid_at(contents, offsetof(FormData_pg_class, oid)) >= FirstNormalObjectId)
        ++differences->statistics;
}

template <typename Visit>
void for_each_row(Ledger *ledger, const Visit &visit) {
    HASH_SEQ_STATUS status;
    hash_seq_init(&status, ledger->rows);
    while (auto *row = static_cast<Row *>(hash_seq_search(&status)))
        visit(row);
}

// Rows that were added and are about a temporary object are no longer there, for the count. Those that others belong to
// come first.
void leave_out_temporary(Ledger *ledger) {
    constexpr int rounds = 4; // a table, its type, the array of that, what depends on it
    for (int round = 0; round < rounds; ++round)
        for_each_row(ledger, [ledger](Row *row) {
            if (!row->is_there)
                return;
            const char *contents = contents_at(ledger, ledger->database, row->place);
            if (contents && is_temporary_row(ledger, row->place.file, contents))
                row->is_there = false;
        });
}

HTAB *make_table(const char *name, Size key, Size entry) {
    HASHCTL control;
    memset(&control, 0, sizeof(control));
    control.keysize = key;
    control.entrysize = entry;
    control.hcxt = CurrentMemoryContext;
    return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

} // namespace

Ledger *open(Oid database, Oid original) {
    auto *ledger = static_cast<Ledger *>(palloc0(sizeof(Ledger)));
    ledger->database = database;
    ledger->original = original;
    return ledger;
}

void note(Ledger *ledger, XLogReaderState *record, Oid space, uint32 file) {
    Place place{space, file, 0, 0};
    if (XLogRecGetRmid(record) != RM_HEAP_ID && XLogRecGetRmid(record) != RM_HEAP2_ID)
        return;
    const uint8 kind = XLogRecGetInfo(record) & XLOG_HEAP_OPMASK;
    const char *data = XLogRecGetData(record);
    const bool is_second = XLogRecGetRmid(record) == RM_HEAP2_ID;
    if (is_second && kind != XLOG_HEAP2_MULTI_INSERT)
        return;
    if (!(!is_second && kind == XLOG_HEAP_INPLACE) && is_undone(ledger, XLogRecGetXid(record)))
        return;
    if (!ledger->rows) {
        ledger->rows = make_table("dbperf catalog rows", sizeof(Place), sizeof(Row));
        ledger->temporary = make_table("dbperf temporary objects", sizeof(Object), sizeof(Object));
    }
    XLogRecGetBlockTag(record, 0, nullptr, nullptr, &place.block);
    if (is_second) {
        note_many(ledger, record, place);
        return;
    }
    switch (kind) {
    case XLOG_HEAP_INSERT:
        place.offset = reinterpret_cast<const xl_heap_insert *>(data)->offnum;
        add(ledger, place);
        break;
    case XLOG_HEAP_DELETE:
        place.offset = reinterpret_cast<const xl_heap_delete *>(data)->offnum;
        remove(ledger, place);
        break;
    case XLOG_HEAP_UPDATE:
    case XLOG_HEAP_HOT_UPDATE:
        note_update(ledger, record, place);
        break;
    case XLOG_HEAP_INPLACE:
        place.offset = reinterpret_cast<const xl_heap_inplace *>(data)->offnum;
        row_at(ledger, place)->was_overwritten = true;
        break;
    default:
        break;
    }
}

Differences close(Ledger *ledger) {
    Differences differences{};
    if (ledger->rows) {
        leave_out_temporary(ledger);
        for_each_row(ledger, [ledger, &differences](Row *row) {
            if (const char *contents = contents_at(ledger, ledger->original, row->place))
                count_old(*row, contents, &differences);
            else if (row->is_there)
                count(row->place.file, &differences);
        });
        hash_destroy(ledger->rows);
        hash_destroy(ledger->temporary);
    }
    if (ledger->is_doubtful)
        ++differences.definitions;
    pfree(ledger);
    return differences;
}

} // namespace dbperf::database_pool::catalog_rows
