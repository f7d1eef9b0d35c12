#include "core/pg.h"

#include "index_advice/implied_statement.h"

#include <algorithm>

namespace dbperf::index_advice::implied_statement {
namespace {

List *numbers_of(Relation catalog, HeapTuple row, int attribute) {
    bool is_null;
    const Datum value = heap_getattr(row, attribute, RelationGetDescr(catalog), &is_null);
    if (is_null)
        return NIL;
    Datum *numbers;
    int count;
    deconstruct_array(DatumGetArrayTypeP(value), INT2OID, sizeof(int16), true, TYPALIGN_SHORT, &numbers, nullptr,
                      &count);
    List *all = NIL;
    for (int i = 0; i < count; ++i)
        all = lappend_int(all, DatumGetInt16(numbers[i]));
    return all;
}

bool changes_key(const AdvisedStatement &statement, const List *key) {
    if (statement.command == CMD_DELETE)
        return true;
    for (int i = 0; i < list_length(key); ++i)
        if (bms_is_member(list_nth_int(key, i) - FirstLowInvalidHeapAttributeNumber, statement.assigned))
            return true;
    return false;
}

AdvisedStatement *lookup(const AdvisedStatement &statement, Oid table, const List *columns) {
    StringInfoData text;
    initStringInfo(&text);
    appendStringInfo(&text, "SELECT 1 FROM %s%s x", get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
                     quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table)));
    for (int i = 0; i < list_length(columns); ++i)
        appendStringInfo(
            &text, " %s $%d OPERATOR(pg_catalog.=) x.%s", i == 0 ? "WHERE" : "AND", i + 1,
            quote_identifier(get_attname(table, static_cast<AttrNumber>(list_nth_int(columns, i)), false)));
    auto *made = static_cast<AdvisedStatement *>(palloc0(sizeof(AdvisedStatement)));
    made->name = statement.name;
    made->request = statement.request;
    made->request.statement = text.data;
    made->request.parameters = 0;
    made->calls = statement.calls * std::max(1.0, statement.written_rows);
    made->is_implied = true;
    return made;
}

} // namespace

List *of(const AdvisedStatement &statement) {
    if (statement.command != CMD_DELETE && statement.command != CMD_UPDATE)
        return NIL;
    List *implied = NIL;
    Relation catalog = table_open(ConstraintRelationId, AccessShareLock);
    ScanKeyData keys[1];
    ScanKeyInit(&keys[0], Anum_pg_constraint_confrelid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(statement.written));
    // No index begins with it.
    SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, lengthof(keys), keys);
    for (HeapTuple row; HeapTupleIsValid(row = systable_getnext(scan));) {
        const auto *constraint = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row));
        if (constraint->contype == CONSTRAINT_FOREIGN && !OidIsValid(constraint->conparentid) &&
            changes_key(statement, numbers_of(catalog, row, Anum_pg_constraint_confkey)))
            implied = lappend(
                implied, lookup(statement, constraint->conrelid, numbers_of(catalog, row, Anum_pg_constraint_conkey)));
    }
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return implied;
}

} // namespace dbperf::index_advice::implied_statement
