// dbperf.suggest_rewrite(), rewrite_refusal(), lookup_source(), key_hash(), fingerprint_of().
#include "core/pg.h"

#include "core/guard.h"
#include "suggestions/rewrite.h"
#include "statements/fingerprint.h"
#include "lookups/key_value.h"

using namespace dbperf::core;
using namespace dbperf::lookups;
using namespace dbperf::statements;
using namespace dbperf::suggestions;

namespace {

// A statement of another database or another time, or a table that somebody alters: no reason to fail or to wait.
rewrite::Rewrite understand(const char *text, const char *key_column) {
    rewrite::Rewrite result{};
    rewrite::Rewrite *const to = &result;
    char *message = nullptr;
    char **const said = &message;
    const bool understood = with_rolled_back_subtransaction(
        [=] {
            const auto set = [](const char *name, const char *value) {
                set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
            };
            set("lock_timeout", "10ms");
            set("client_min_messages", "error");
            *to = rewrite::rewrite_of(text, key_column);
        },
        [=](const ErrorData &error) {
            *said = error.message;
            return ERRCODE_TO_CATEGORY(error.sqlerrcode) != ERRCODE_OPERATOR_INTERVENTION;
        });
    if (!understood) {
        result = {};
        result.reason = psprintf("it is not understood here: %s", message ? message : "");
    }
    return result;
}

const char *text_argument(FunctionCallInfo fcinfo, int number) {
    return PG_ARGISNULL(number) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

} // namespace

// suggest_rewrite(query text, key_column text) returns text: one statement for all keys, or null.
DBPERF_FUNCTION(dbperf_suggest_rewrite) {
    const char *rewritten =
        PG_ARGISNULL(0) ? nullptr : understand(text_argument(fcinfo, 0), text_argument(fcinfo, 1)).text;
    if (!rewritten)
        PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(rewritten));
}

// rewrite_refusal(query text, key_column text) returns text: why suggest_rewrite() has none; null when it has.
DBPERF_FUNCTION(dbperf_rewrite_refusal) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    const rewrite::Rewrite result = understand(text_argument(fcinfo, 0), text_argument(fcinfo, 1));
    if (result.text || !result.reason)
        PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(result.reason));
}

// lookup_source(query text, key_column text, OUT relation regclass, OUT key_column text): what is looked up.
DBPERF_FUNCTION(dbperf_lookup_source) {
    TupleDesc descriptor;
    if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    const rewrite::Rewrite result =
        PG_ARGISNULL(0) ? rewrite::Rewrite{} : understand(text_argument(fcinfo, 0), text_argument(fcinfo, 1));
    Datum values[] = {ObjectIdGetDatum(result.relation), result.column ? CStringGetTextDatum(result.column) : Datum{0}};
    bool nulls[] = {!OidIsValid(result.relation), result.column == nullptr};
    PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

// key_hash(anyelement) returns bigint: the hash by which the detector knows a key; null for what it does not follow.
DBPERF_FUNCTION(dbperf_key_hash) {
    const Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
    if (!OidIsValid(type))
        PG_RETURN_NULL();
    const uint64 hash = key_value::hash(value_type::of(type), PG_GETARG_DATUM(0), false);
    if (hash == 0)
        PG_RETURN_NULL();
    PG_RETURN_INT64(static_cast<int64>(hash));
}

// fingerprint_of(query text) returns bigint; null for what cannot be scanned.
DBPERF_FUNCTION(dbperf_fingerprint_of) {
    const char *statement = text_argument(fcinfo, 0);
    Fingerprint result;
    if (!fingerprint_of({statement, strlen(statement)}, false, &result))
        PG_RETURN_NULL();
    PG_RETURN_INT64(static_cast<int64>(result.value));
}
