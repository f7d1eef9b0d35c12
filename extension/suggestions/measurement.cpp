// dbperf.measure_as(): a statement executed once per key beside its rewrite for all of them, as the role that it was
// seen from. Each execution is parsed and planned, as most drivers have it. The way to the client and back is not in
// it, so it promises too little.
#include "core/pg.h"

#include <algorithm>
#include <array>

#include "core/captured_role.h"
#include "core/guard.h"
#include "core/hash.h"
#include "core/row_builder.h"
#include "core/settings.h"
#include "core/sql_version.h"
#include "suggestions/rewrite.h"

using namespace dbperf::core;
using namespace dbperf::suggestions;

namespace {

constexpr int max_rounds = 6; // of each, in the order A B B A
constexpr double enough_ms = 5000;

// A destination that counts rows and adds up their hashes, which no order of rows changes.
struct RowHash {
    DestReceiver base;
    int skipped; // position of a column that does not count; 0: none
    FmgrInfo *output;
    MemoryContext scratch;
    uint64 rows;
    uint64 sum;
    uint64 mixed_sum;
};

void hash_startup(DestReceiver *self, int, TupleDesc descriptor) {
    auto *to = reinterpret_cast<RowHash *>(self);
    to->output = static_cast<FmgrInfo *>(palloc(sizeof(FmgrInfo) * static_cast<size_t>(descriptor->natts + 1)));
    for (int i = 0; i < descriptor->natts; ++i) {
        Oid function;
        bool varlena;
        getTypeOutputInfo(TupleDescAttr(descriptor, i)->atttypid, &function, &varlena);
        fmgr_info(function, &to->output[i]);
    }
}

bool hash_row(TupleTableSlot *slot, DestReceiver *self) {
    auto *to = reinterpret_cast<RowHash *>(self);
    slot_getallattrs(slot);
    uint64 hash = 1;
    with_memory_context(to->scratch, [&hash, slot, to] {
        for (int i = 0; i < slot->tts_tupleDescriptor->natts; ++i) {
            if (i + 1 == to->skipped)
                continue;
            const uint64 value =
                slot->tts_isnull[i] ? 0 : hash_text(OutputFunctionCall(&to->output[i], slot->tts_values[i])) | 1;
            hash = mix_bits(hash * 31 + value);
        }
    });
    MemoryContextReset(to->scratch);
    ++to->rows;
    to->sum += hash;
    to->mixed_sum += mix_bits(hash ^ 0x9e3779b97f4a7c15u);
    return true;
}

void hash_end(DestReceiver *) {}

RowHash make_row_hash(int skipped) {
    RowHash made{};
    made.base.receiveSlot = hash_row;
    made.base.rStartup = hash_startup;
    made.base.rShutdown = hash_end;
    made.base.rDestroy = hash_end;
    made.base.mydest = DestNone;
    made.skipped = skipped;
    made.scratch = AllocSetContextCreate(CurrentMemoryContext, "dbperf rows", ALLOCSET_SMALL_SIZES);
    return made;
}

// A statement and all the values it is executed with.
struct Side {
    const char *text;
    ParamListInfo *values;
    int executions;
    RowHash rows;
    double times[max_rounds];
    int rounds;
    uint64 blocks; // of the round with the fewest: what planning reads of the catalogs is not meant
};

void execute_all(const Side &side, DestReceiver *destination) {
    SPIExecuteOptions options{};
    options.read_only = true;
    options.dest = destination;
    for (int i = 0; i < side.executions; ++i) {
        CHECK_FOR_INTERRUPTS();
        options.params = side.values[i];
        const int result = SPI_execute_extended(side.text, &options);
        if (result < 0)
            elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(result));
    }
}

uint64 blocks_so_far() {
    return static_cast<uint64>(pgBufferUsage.shared_blks_hit + pgBufferUsage.shared_blks_read +
                               pgBufferUsage.local_blks_hit + pgBufferUsage.local_blks_read);
}

void run_round(Side *side) {
    const uint64 blocks = blocks_so_far();
    instr_time begin;
    instr_time end;
    INSTR_TIME_SET_CURRENT(begin);
    execute_all(*side, None_Receiver);
    INSTR_TIME_SET_CURRENT(end);
    INSTR_TIME_SUBTRACT(end, begin);
    side->times[side->rounds++] = INSTR_TIME_GET_MILLISEC(end);
    side->blocks = std::min(side->blocks, blocks_so_far() - blocks);
}

double median(Side &side) {
    std::sort(side.times, side.times + side.rounds);
    return (side.times[(side.rounds - 1) / 2] + side.times[side.rounds / 2]) / 2;
}

ParamListInfo parameters_with(int count, int number, Oid type, Datum value) {
    ParamListInfo made = makeParamList(count);
    for (int i = 0; i < count; ++i) // those before the key do not occur
        made->params[i] = {Datum{0}, true, PARAM_FLAG_CONST, TEXTOID};
    made->params[number - 1] = {value, false, PARAM_FLAG_CONST, type};
    return made;
}

struct Keys {
    Datum *values;
    int count;
    Oid type;
    int16 length;
    bool by_value;
    char alignment;
};

// Each key once, as the type of the lookup, without nulls.
Keys read_keys(ArrayType *texts, Oid type) {
    Keys keys{};
    keys.type = getBaseType(type);
    Datum *given;
    bool *nulls;
    int count;
    deconstruct_array(texts, TEXTOID, -1, false, TYPALIGN_INT, &given, &nulls, &count);
    Oid input;
    Oid io_parameter;
    Oid output;
    bool varlena;
    getTypeInputInfo(keys.type, &input, &io_parameter);
    getTypeOutputInfo(keys.type, &output, &varlena);
    get_typlenbyvalalign(keys.type, &keys.length, &keys.by_value, &keys.alignment);
    auto **spelled = static_cast<char **>(palloc(sizeof(char *) * static_cast<size_t>(count + 1)));
    int known = 0;
    for (int i = 0; i < count; ++i)
        if (!nulls[i])
            spelled[known++] = OidOutputFunctionCall(
                output, OidInputFunctionCall(input, TextDatumGetCString(given[i]), io_parameter, -1));
    std::sort(spelled, spelled + known, [](const char *a, const char *b) { return strcmp(a, b) < 0; });
    known = static_cast<int>(
        std::unique(spelled, spelled + known, [](const char *a, const char *b) { return strcmp(a, b) == 0; }) -
        spelled);
    keys.values = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<size_t>(known + 1)));
    for (int i = 0; i < known; ++i)
        keys.values[keys.count++] = OidInputFunctionCall(input, spelled[i], io_parameter, -1);
    return keys;
}

Datum array_of(const Keys &keys, int first, int count) {
    return PointerGetDatum(
        construct_array(keys.values + first, count, keys.type, keys.length, keys.by_value, keys.alignment));
}

rewrite::Rewrite measurable(const char *query, const char *key_column) {
    const rewrite::Rewrite result = rewrite::rewrite_of(query, key_column);
    if (result.command != CMD_SELECT)
        ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("only a SELECT can be measured"),
                errhint("To measure a write, execute both forms in transactions that are rolled back."));
    if (result.has_others)
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("the statement has parameters besides the key, whose values are not known"),
                errhint("Call dbperf.measure_rewrite() with a text in which the other parameters are filled in."));
    if (!result.text)
        ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("no rewrite of this statement is known"),
                errhint("The statement needs a lookup by one key: column = $1."));
    return result;
}

void prepare_sides(const char *query, const rewrite::Rewrite &made, const Keys &keys, Side *original, Side *rewritten) {
    const Oid list_type = get_array_type(keys.type);
    const Oid key_type = made.key_is_list ? list_type : keys.type;
    const int count = made.key_parameter;
    original->text = query;
    original->executions = keys.count;
    original->values = static_cast<ParamListInfo *>(palloc(sizeof(ParamListInfo) * static_cast<size_t>(keys.count)));
    for (int i = 0; i < keys.count; ++i)
        original->values[i] =
            parameters_with(count, count, key_type, made.key_is_list ? array_of(keys, i, 1) : keys.values[i]);
    original->rows = make_row_hash(0);

    rewritten->text = made.text;
    rewritten->executions = 1;
    rewritten->values = static_cast<ParamListInfo *>(palloc(sizeof(ParamListInfo)));
    rewritten->values[0] = parameters_with(1, 1, list_type, array_of(keys, 0, keys.count));
    rewritten->rows = make_row_hash(made.added_column);
    original->blocks = rewritten->blocks = UINT64_MAX;
}

// Under what ALTER ROLE gave it; of its sessions nothing else is known.
template <typename Body>
void measure_as(Oid role, const Body &body) {
    const bool is_own = role == GetUserId();
    captured_role::as(role, captured_role::Deferring::no, [=, &body] {
        if (!is_own)
            captured_role::set_all_of(role);
        body();
    });
}

void measure(const char *query, const char *key_column, ArrayType *texts, Keys *keys, Side *original, Side *rewritten) {
    const rewrite::Rewrite made = measurable(query, key_column);
    *keys = read_keys(texts, made.key_type);
    if (keys->count == 0)
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there are no keys to measure with"),
                errhint("Pass an array of keys, such as ARRAY(SELECT id::text FROM ... LIMIT 100)."));
    XactReadOnly = true; // the subtransaction puts it back
    SPI_connect();
    prepare_sides(query, made, *keys, original, rewritten);
    execute_all(*original, &original->rows.base);
    execute_all(*rewritten, &rewritten->rows.base);
    double spent = 0;
    for (int round = 0; round < max_rounds && (round == 0 || spent < enough_ms); ++round) {
        Side *first = round % 2 == 0 ? original : rewritten;
        Side *second = round % 2 == 0 ? rewritten : original;
        run_round(first);
        run_round(second);
        spent += first->times[round] + second->times[round];
    }
    SPI_finish();
}

// What is found through names of the finding (a view, perhaps) is looked up as that role, too.
ArrayType *find_keys(FunctionCallInfo fcinfo, MemoryContext result_context) {
    Oid types[] = {INT8ARRAYOID, TEXTOID, TEXTOID, REGCLASSOID, TEXTOID};
    Datum values[lengthof(types)];
    char nulls[lengthof(types)];
    for (size_t i = 0; i < lengthof(types); ++i) {
        values[i] = fcinfo->args[i + 1].value;
        nulls[i] = fcinfo->args[i + 1].isnull ? 'n' : ' ';
    }
    ArrayType *found = nullptr;
    XactReadOnly = true; // the subtransaction puts it back
    SPI_connect();
    const int code = SPI_execute_with_args("SELECT dbperf.find_keys($1, $2, $3, $4, $5)",
                                           static_cast<int>(lengthof(types)), types, values, nulls, true, 0);
    bool is_null = true;
    const Datum keys = code == SPI_OK_SELECT && SPI_processed == 1
                           ? SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null)
                           : Datum{0};
    if (!is_null)
        with_memory_context(result_context, [keys, &found] { found = DatumGetArrayTypePCopy(keys); });
    SPI_finish();
    return found;
}

} // namespace

// find_keys_as(role name, ...): find_keys() as that role.
DBPERF_FUNCTION(dbperf_find_keys_as) {
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    const Oid role = captured_role::named(NameStr(*PG_GETARG_NAME(0)));
    captured_role::require(role);
    ArrayType *found = nullptr;
    MemoryContext here = CurrentMemoryContext;
    with_rolled_back_subtransaction([&] { measure_as(role, [&] { found = find_keys(fcinfo, here); }); },
                                    [](int) { return false; });
    if (!found)
        PG_RETURN_NULL();
    PG_RETURN_ARRAYTYPE_P(found);
}

// measure_as(role name, query text, key_column text, key_values text[]): one row, columns as in sql/suggestion.sql.
DBPERF_FUNCTION(dbperf_measure_as) {
    InitMaterializedSRF(fcinfo, 0);
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
        ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a measurement needs a query and keys"),
                errhint("Call dbperf.measure_rewrite(query, key_column, key_values)."));
    const char *query = text_to_cstring(PG_GETARG_TEXT_PP(1));
    const char *key_column = PG_ARGISNULL(2) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(2));
    ArrayType *texts = PG_GETARG_ARRAYTYPE_P(3);
    const Oid role = captured_role::named(NameStr(*PG_GETARG_NAME(0)));
    captured_role::require(role);
    Keys keys{};
    Side original{};
    Side rewritten{};
    settings::suppression += settings::suppression_step;
    with_cleanup(
        [&] {
            with_rolled_back_subtransaction(
                [&] { measure_as(role, [&] { measure(query, key_column, texts, &keys, &original, &rewritten); }); },
                [](int) { return false; });
        },
        [] { settings::suppression -= settings::suppression_step; });

    const double before = median(original);
    const double after = median(rewritten);
    const bool same = original.rows.rows == rewritten.rows.rows && original.rows.sum == rewritten.rows.sum &&
                      original.rows.mixed_sum == rewritten.rows.mixed_sum;
    RowBuilder row;
    row.integer(keys.count);
    row.number(before);
    row.number(after);
    row.number(before / std::max(after, 1e-6));
    row.bigint(original.blocks);
    row.bigint(rewritten.blocks);
    row.bigint(original.rows.rows);
    row.bigint(rewritten.rows.rows);
    row.boolean(same);
    row.put(reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo));
    return Datum{0};
}

// Of 0.1.0, where it ran the text with the rights of whoever called it.
DBPERF_FUNCTION(dbperf_measure_rewrite) {
    sql_version::require();
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("this function is of an earlier version"),
            errhint("Run ALTER EXTENSION dbperf UPDATE."));
    PG_RETURN_NULL();
}
