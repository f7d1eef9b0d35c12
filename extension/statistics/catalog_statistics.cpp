// SQL functions that write imported statistics into the catalogs of a database that is dbperf's own: the copy in which
// a migration is judged. From there DDL treats them as it would there.
#include "core/pg.h"

#include "core/guard.h"
#include "statistics/column_statistics.h"
#include "statistics/extended_statistics.h"

namespace dbperf::statistics {
using namespace core;

namespace {

void require_superuser() {
    if (!superuser())
        ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                errmsg("permission denied to write statistics into the catalogs"),
                errhint("dbperf compare --statistics takes a superuser."));
}

void store(const StatisticsColumn &column, HeapTuple tuple) {
    Relation statistics = table_open(StatisticRelationId, RowExclusiveLock);
    HeapTuple old = SearchSysCacheCopy3(STATRELATTINH, ObjectIdGetDatum(column.relation), Int16GetDatum(column.number),
                                        BoolGetDatum(column.inherited));
    if (HeapTupleIsValid(old)) {
        tuple->t_self = old->t_self;
        CatalogTupleUpdate(statistics, &old->t_self, tuple);
    } else {
        CatalogTupleInsert(statistics, tuple);
    }
    table_close(statistics, RowExclusiveLock);
}

} // namespace
} // namespace dbperf::statistics

using namespace dbperf::core;
using namespace dbperf::statistics;

// write_column_statistics(relation, number, inherited, data): what the type of the column does not take any more is
// left out. Whether it was written.
DBPERF_FUNCTION(dbperf_write_column_statistics) {
    require_superuser();
    StatisticsColumn column{PG_GETARG_OID(0), PG_GETARG_INT16(1), PG_GETARG_BOOL(2), InvalidOid, InvalidOid};
    Jsonb *document = PG_GETARG_JSONB_P(3);
    if (!JB_ROOT_IS_OBJECT(document) ||
        !SearchSysCacheExists2(ATTNUM, ObjectIdGetDatum(column.relation), Int16GetDatum(column.number)) ||
        !get_attname(column.relation, column.number, true))
        PG_RETURN_BOOL(false);
    int32 modifier = -1;
    get_atttypetypmodcoll(column.relation, column.number, &column.type, &modifier, &column.collation);
    char *message = nullptr;
    char *reason = nullptr;
    const bool done = attempt_in_subtransaction(
        [&] {
            check_column_statistics(&document->root);
            if (HeapTuple tuple = try_column_statistics(column, &document->root, &reason))
                store(column, tuple);
        },
        &message);
    PG_RETURN_BOOL(done && !reason);
}

// write_extended_statistics(object, inherited, data): why they cannot be written, or null.
DBPERF_FUNCTION(dbperf_write_extended_statistics) {
    require_superuser();
    const Oid object = PG_GETARG_OID(0);
    const bool inherited = PG_GETARG_BOOL(1);
    Jsonb *document = PG_GETARG_JSONB_P(2);
    char *message = nullptr;
    if (!JB_ROOT_IS_OBJECT(document))
        PG_RETURN_TEXT_P(cstring_to_text("the document is no object"));
    if (attempt_in_subtransaction([&] { write_extended_statistics(object, inherited, &document->root); }, &message))
        PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(message));
}
