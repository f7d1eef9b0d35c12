// SQL functions behind dbperf.import_statistics(): what of a document fits this database.
#include "core/pg.h"

#include "core/guard.h"
#include "statistics/column_statistics.h"
#include "statistics/json_members.h"

namespace dbperf::statistics {
using namespace core;

namespace {

// What the error is about, below its message.
void say_object(void *argument) {
    errcontext("imported statistics of %s", static_cast<const char *>(argument));
}

template <typename Body>
void about(const char *object, const Body &body) {
    ErrorContextCallback callback{error_context_stack, say_object, const_cast<char *>(object)};
    error_context_stack = &callback;
    body();
    error_context_stack = callback.previous;
}

Oid relation_named(const char *schema, const char *relation) {
    const Oid space = get_namespace_oid(schema, true);
    return OidIsValid(space) ? get_relname_relid(relation, space) : InvalidOid;
}

const char *reason_of_column(Oid relation, AttrNumber number, bool inherited, JsonbContainer *data) {
    StatisticsColumn column{relation, number, inherited, InvalidOid, InvalidOid};
    int32 modifier = -1;
    get_atttypetypmodcoll(relation, number, &column.type, &modifier, &column.collation);
    const char *type = json::text(data, "type");
    const char *own = name_of_type(column.type);
    if (strcmp(type, own) != 0)
        return psprintf("its type is %s there and %s here", type, own);
    char *message = nullptr;
    if (HeapTuple tuple = try_column_statistics(column, data, &message))
        heap_freetuple(tuple);
    return message;
}

} // namespace
} // namespace dbperf::statistics

using namespace dbperf::statistics;

// statistics_column_reason(schema, relation, column, number of an index's column or null, inherited, data): why the
// statistics of a column are not used here, or null. Raises an error if they are malformed.
DBPERF_FUNCTION(dbperf_statistics_column_reason) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(4) || PG_ARGISNULL(5))
        json::fail("columns", "has one without schema, relation, name or data");
    const char *schema = text_to_cstring(PG_GETARG_TEXT_PP(0));
    const char *relation = text_to_cstring(PG_GETARG_TEXT_PP(1));
    const char *name = text_to_cstring(PG_GETARG_TEXT_PP(2));
    const int number_given = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);
    const bool inherited = PG_GETARG_BOOL(4);
    Jsonb *document = PG_GETARG_JSONB_P(5);
    if (!JB_ROOT_IS_OBJECT(document))
        json::fail("columns", "has one that is no object");
    JsonbContainer *data = &document->root;
    const char *reason = nullptr;
    about(psprintf("column \"%.64s\" of \"%.64s\".\"%.64s\"", name, schema, relation), [&] {
        check_column_statistics(data);
        const Oid found = relation_named(schema, relation);
        AttrNumber number = InvalidAttrNumber;
        if (OidIsValid(found) && number_given > 0 && number_given <= INDEX_MAX_KEYS &&
            SearchSysCacheExists2(ATTNUM, ObjectIdGetDatum(found), Int16GetDatum(static_cast<int16>(number_given))))
            number = static_cast<AttrNumber>(number_given);
        else if (OidIsValid(found) && number_given == 0)
            number = get_attnum(found, name);
        if (!OidIsValid(found))
            reason = "there is no such relation";
        else if (number <= 0)
            reason = "there is no such column";
        else
            reason = reason_of_column(found, number, inherited, data);
    });
    if (!reason)
        PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(reason));
}

// statistics_changed(): every session looks its imported statistics up again, and makes its plans again.
DBPERF_FUNCTION(dbperf_statistics_changed) {
    (void)fcinfo;
    CacheInvalidateRelcacheAll();
    PG_RETURN_VOID();
}
