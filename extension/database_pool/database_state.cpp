#include "core/pg.h"

#include "database_pool/database_state.h"

#include <span>

#include "core/compat.h"
#include "core/guard.h"
#include "core/hash.h"

namespace dbperf::database_pool::database_state {
using namespace core;

namespace {

struct Key {
    AttrNumber column;
    Oid value;
};

uint64 hash_row(HeapTuple tuple, uint64 seed) {
    const auto *data = reinterpret_cast<const char *>(tuple->t_data) + tuple->t_data->t_hoff;
    return mix_bits(seed ^ hash_text({data, tuple->t_len - tuple->t_data->t_hoff}));
}

// The order of the rows does not matter.
uint64 hash_rows(Oid catalog, Oid index, std::span<const Key> keys) {
    Relation relation = table_open(catalog, AccessShareLock);
    ScanKeyData scan_keys[3];
    int count = 0;
    for (const Key &key : keys)
        ScanKeyInit(&scan_keys[count++], key.column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(key.value));
    SysScanDesc scan = systable_beginscan(relation, index, true, nullptr, count, scan_keys);
    uint64 sum = 0;
    while (HeapTuple tuple = systable_getnext(scan))
        sum += hash_row(tuple, catalog) | 1;
    systable_endscan(scan);
    table_close(relation, AccessShareLock);
    return sum;
}

// VACUUM moves the horizon of frozen rows on: that is no property.
uint64 hash_database(HeapTuple tuple) {
    Relation relation = table_open(DatabaseRelationId, AccessShareLock);
    Datum values[Natts_pg_database] = {};
    bool nulls[Natts_pg_database] = {};
    heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
    values[Anum_pg_database_datfrozenxid - 1] = values[Anum_pg_database_datminmxid - 1] = Datum{0};
    HeapTuple plain = heap_form_tuple(RelationGetDescr(relation), values, nulls);
    uint64 hash = DatabaseRelationId;
    for (int column = 0; column < Natts_pg_database; ++column)
        hash = hash * 31 + nulls[column];
    hash = hash_row(plain, hash);
    heap_freetuple(plain);
    table_close(relation, AccessShareLock);
    return hash;
}

bool is_slot_of(const ReplicationSlot &slot, Oid database) {
    return slot.in_use && slot.data.database == database && slot.data.persistency != RS_TEMPORARY;
}

uint64 hash_slots(Oid database) {
    return with_lock(ReplicationSlotControlLock, LW_SHARED, [database] {
        uint64 sum = 0;
        for (int i = 0; i < max_replication_slots; ++i) {
            const ReplicationSlot &slot = ReplicationSlotCtl->replication_slots[i];
            if (is_slot_of(slot, database))
                sum += hash_text(NameStr(slot.data.name)) | 1;
        }
        return sum;
    });
}

} // namespace

DatabaseState of(Oid database) {
    AcceptInvalidationMessages();
    HeapTuple tuple = SearchSysCacheCopy1(DATABASEOID, ObjectIdGetDatum(database));
    if (!HeapTupleIsValid(tuple))
        return {};
    DatabaseState state{true, hash_database(tuple), 0, 0};
    heap_freetuple(tuple);
    const Key settings[] = {{Anum_pg_db_role_setting_setdatabase, database}};
    const Key comment[] = {{Anum_pg_shdescription_objoid, database},
                           {Anum_pg_shdescription_classoid, DatabaseRelationId}};
    const Key labels[] = {{Anum_pg_shseclabel_objoid, database}, {Anum_pg_shseclabel_classoid, DatabaseRelationId}};
    const Key roles[] = {{Anum_pg_shdepend_dbid, InvalidOid},
                         {Anum_pg_shdepend_classid, DatabaseRelationId},
                         {Anum_pg_shdepend_objid, database}};
    const Key subscriptions[] = {{Anum_pg_subscription_subdbid, database}};
    state.properties += hash_rows(DbRoleSettingRelationId, DbRoleSettingDatidRolidIndexId, settings);
    state.properties += hash_rows(SharedDescriptionRelationId, SharedDescriptionObjIndexId, comment);
    state.properties += hash_rows(SharedSecLabelRelationId, SharedSecLabelObjectIndexId, labels);
    state.properties += hash_rows(SharedDependRelationId, SharedDependDependerIndexId, roles);
    state.subscriptions = hash_rows(SubscriptionRelationId, SubscriptionNameIndexId, subscriptions);
    state.slots = hash_slots(database);
    return state;
}

void drop_idle_slots(Oid database) {
    for (int i = 0; i < max_replication_slots; ++i) {
        NameData name{};
        with_lock(ReplicationSlotControlLock, LW_SHARED, [i, database, &name] {
            const ReplicationSlot &slot = ReplicationSlotCtl->replication_slots[i];
            if (is_slot_of(slot, database) && !compat::is_in_use(slot))
                name = slot.data.name;
        });
        // Somebody may begin to use it at this moment: it stays then.
        if (NameStr(name)[0] != 0 && !MyReplicationSlot)
            catch_errors([&name] { ReplicationSlotDrop(NameStr(name), true); });
    }
}

} // namespace dbperf::database_pool::database_state
