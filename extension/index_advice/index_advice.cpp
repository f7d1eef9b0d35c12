// dbperf.plan_index_advice().
#include "core/pg.h"

#include <algorithm>

#include "core/guard.h"
#include "core/settings.h"
#include "core/sql_version.h"
#include "index_advice/advice.h"

using namespace dbperf::core;
using namespace dbperf::index_advice;

namespace {

constexpr int max_statements = 10000;

struct Texts {
    Datum *values;
    bool *nulls;
    int count;
};

Texts texts_of(FunctionCallInfo fcinfo, int argument) {
    Texts texts{};
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &texts.values, &texts.nulls,
                      &texts.count);
    return texts;
}

Texts numbers_of(FunctionCallInfo fcinfo, int argument) {
    Texts numbers{};
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
                      &numbers.values, &numbers.nulls, &numbers.count);
    return numbers;
}

double number_at(const Texts &numbers, int place, double otherwise) {
    const double value =
        place < numbers.count && !numbers.nulls[place] ? DatumGetFloat8(numbers.values[place]) : otherwise;
    return value >= 0 && value < 1e15 ? value : otherwise;
}

List *statements_of(const Texts &names, const Texts &requests, const Texts &calls, const Texts &ms) {
    List *statements = NIL;
    for (int i = 0; i < requests.count; ++i) {
        if (names.nulls[i] || requests.nulls[i])
            captured_request::fail_malformed();
        auto *statement = static_cast<AdvisedStatement *>(palloc0(sizeof(AdvisedStatement)));
        statement->name = TextDatumGetCString(names.values[i]);
        statement->request = captured_request::read(TextDatumGetCString(requests.values[i]));
        statement->calls = number_at(calls, i, 1);
        statement->ms = number_at(ms, i, 0);
        statements = lappend(statements, statement);
    }
    return statements;
}

void set_local(const char *name, const char *value) {
    set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

} // namespace

// plan_index_advice(names text[], requests text[], calls float8[], ms float8[], max_indexes integer, max_size bigint)
DBPERF_FUNCTION(dbperf_plan_index_advice) {
    sql_version::require();
    for (int i = 0; i < 4; ++i)
        if (PG_ARGISNULL(i))
            ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("advice needs statements"),
                    errhint("Call dbperf.index_advice(run)."));
    const Texts names = texts_of(fcinfo, 0);
    const Texts requests = texts_of(fcinfo, 1);
    if (names.count != requests.count || requests.count > max_statements)
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("advice is given on at most %d statements, each with a name", max_statements));
    const int max_indexes = PG_ARGISNULL(4) ? -1 : std::max(0, PG_GETARG_INT32(4));
    const double max_bytes = PG_ARGISNULL(5) ? -1 : std::max(0.0, static_cast<double>(PG_GETARG_INT64(5)));
    Advice advice{};
    StringInfoData json;
    initStringInfo(&json);
    settings::suppression += settings::suppression_step;
    with_cleanup(
        [&] {
            with_rolled_back_subtransaction(
                [&] {
                    // Nobody waits for a table that somebody alters, and what is printed means the same everywhere.
                    set_local("lock_timeout", "50ms");
                    set_local("client_min_messages", "error");
                    set_local("search_path", "");
                    advice.statements = statements_of(names, requests, numbers_of(fcinfo, 2), numbers_of(fcinfo, 3));
                    advice::give(&advice, max_indexes, max_bytes);
                    advice::append(&json, &advice);
                },
                [](int) { return false; });
        },
        [] { settings::suppression -= settings::suppression_step; });
    PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
