#include "core/pg.h"

#include "n_plus_one/column_relation.h"

#include "core/guard.h"

namespace dbperf::n_plus_one {
using namespace core;

namespace {

bool equal(TableColumn a, TableColumn b) {
    return a.relation == b.relation && a.column == b.column;
}

// Fills the columns that foreign keys of this one refer to; returns how many.
int referenced_by(TableColumn of, TableColumn *found, int most) {
    int count = 0;
    const ::Relation constraints = table_open(ConstraintRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(of.relation));
    const SysScanDesc scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, nullptr, 1, &key);
    for (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple); tuple = systable_getnext(scan)) {
        const Form_pg_constraint constraint = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
        if (constraint->contype != CONSTRAINT_FOREIGN)
            continue;
        bool own_null;
        bool other_null;
        const Datum own = heap_getattr(tuple, Anum_pg_constraint_conkey, RelationGetDescr(constraints), &own_null);
        const Datum other = heap_getattr(tuple, Anum_pg_constraint_confkey, RelationGetDescr(constraints), &other_null);
        if (own_null || other_null)
            continue;
        ArrayType *own_columns = DatumGetArrayTypeP(own);
        ArrayType *other_columns = DatumGetArrayTypeP(other);
        const int columns = std::min(ArrayGetNItems(ARR_NDIM(own_columns), ARR_DIMS(own_columns)),
                                     ArrayGetNItems(ARR_NDIM(other_columns), ARR_DIMS(other_columns)));
        for (int i = 0; i < columns && count < most; ++i)
            if (reinterpret_cast<int16 *>(ARR_DATA_PTR(own_columns))[i] == of.column)
                found[count++] = {constraint->confrelid, reinterpret_cast<int16 *>(ARR_DATA_PTR(other_columns))[i]};
    }
    systable_endscan(scan);
    table_close(constraints, AccessShareLock);
    return count;
}

bool related(TableColumn a, TableColumn b) {
    constexpr int most = 16;
    TableColumn from_a[most];
    TableColumn from_b[most];
    const int count_a = referenced_by(a, from_a, most);
    const int count_b = referenced_by(b, from_b, most);
    for (int i = 0; i < count_a; ++i) {
        if (equal(from_a[i], b))
            return true;
        for (int j = 0; j < count_b; ++j)
            if (equal(from_a[i], from_b[j]))
                return true;
    }
    for (int j = 0; j < count_b; ++j)
        if (equal(from_b[j], a))
            return true;
    return false;
}

} // namespace

bool are_related(TableColumn a, TableColumn b) {
    if (!OidIsValid(a.relation) || !OidIsValid(b.relation))
        return false;
    if (equal(a, b))
        return true;
    if (!guard::catalogs_are_readable())
        return false;
    bool result = false;
    return catch_errors([a, b, &result] { result = related(a, b); }) && result;
}

} // namespace dbperf::n_plus_one
