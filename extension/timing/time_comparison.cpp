// dbperf.compare_times(), judge_time(), adjust_holm(): the statistics for SQL. Arrays in, numbers out.
#include "core/pg.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "timing/holm.h"
#include "timing/time_verdict.h"

using namespace dbperf::timing;

namespace {

constexpr int max_samples = 100000; // of a side: a second or so of work

std::span<double> allocate(size_t numbers) {
    return {static_cast<double *>(palloc(sizeof(double) * (numbers + 1))), numbers};
}

// The elements of a float8[] as they lie in it.
std::span<const double> samples_of(Datum argument) {
    ArrayType *array = DatumGetArrayTypeP(argument);
    const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
    if (ARR_HASNULL(array) && array_contains_nulls(array))
        ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a time is null"),
                errhint("Leave out executions that were not measured, of pairs both."));
    if (count > max_samples)
        ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("more than %d times on a side", max_samples),
                errhint("Evenly spaced quantiles serve as well, see dbperf.histogram_samples()."));
    return {reinterpret_cast<const double *>(ARR_DATA_PTR(array)), static_cast<size_t>(count)};
}

double share_between(double value, double low, double high, const char *name) {
    if (!(value > low && value < high))
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("%s must lie between %g and %g", name, low, high), errhint("The default serves most uses."));
    return value;
}

// The arguments from `first` on: paired, minimum_ratio, proven_ratio, minimum_difference, confidence, minimum_samples.
// A null stands for what suits pairs or separate runs.
TimeRules rules_of(FunctionCallInfo fcinfo, int first) {
    TimeRules rules = !PG_ARGISNULL(first) && PG_GETARG_BOOL(first) ? interleaved_pairs : separate_runs;
    const auto given = [fcinfo, first](int number, double otherwise) {
        return PG_ARGISNULL(first + number) ? otherwise : PG_GETARG_FLOAT8(first + number);
    };
    constexpr double most = std::numeric_limits<double>::max();
    rules.minimum_ratio = given(1, rules.minimum_ratio);
    rules.proven_ratio = given(2, rules.proven_ratio);
    rules.minimum_difference = given(3, rules.minimum_difference);
    rules.confidence = share_between(given(4, rules.confidence), 0, 1, "confidence");
    if (!PG_ARGISNULL(first + 5))
        rules.minimum_samples = static_cast<size_t>(std::max<int32>(PG_GETARG_INT32(first + 5), 1));
    if (!(rules.minimum_ratio >= 1 && rules.minimum_ratio < most))
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("minimum_ratio must be at least 1"),
                errhint("1.2 stands for 20 %% more time, and for its inverse."));
    if (!(rules.proven_ratio >= 1 && rules.proven_ratio <= rules.minimum_ratio))
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("proven_ratio must lie between 1 and minimum_ratio"),
                errhint("It is what the confidence interval must exclude: 1 for interleaved measurements."));
    return rules;
}

const char *word_of(TimeVerdict verdict) {
    switch (verdict) {
    case TimeVerdict::worse:
        return "worse";
    case TimeVerdict::better:
        return "better";
    case TimeVerdict::equal:
        return "equal";
    case TimeVerdict::unclear:
        return "unclear";
    case TimeVerdict::not_enough_samples:
        break;
    }
    return "not_enough_samples";
}

TimeComparison compare(std::span<const double> before, std::span<const double> after, const TimeRules &rules) {
    if (rules.paired && before.size() != after.size())
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("pairs need as many times before as after, not %zu and %zu", before.size(), after.size()),
                errhint("The elements at one position are measured with one parameter set."));
    const TimeComparison result =
        compare_times(before, after, rules, allocate(time_comparison_scratch(before.size(), after.size())));
    if (!result.valid && !before.empty() && !after.empty())
        ereport(
            ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a time is not a positive number"),
            errhint("Ratios need times above zero; a clock too coarse for them measures several executions at once."));
    return result;
}

struct Row {
    std::array<Datum, 8> values{};
    std::array<bool, 8> nulls{true, true, true, true, true, true, true, true};

    void set(size_t column, Datum value) {
        values[column] = value;
        nulls[column] = false;
    }
    void set_number(size_t column, double value) { set(column, Float8GetDatum(value)); }
};

} // namespace

// compare_times(before, after, and the rules): one row, columns as in sql/comparison.sql.
DBPERF_FUNCTION(dbperf_compare_times) {
    TupleDesc descriptor;
    if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
        PG_RETURN_NULL();
    const TimeRules rules = rules_of(fcinfo, 2);
    const TimeComparison found = compare(samples_of(PG_GETARG_DATUM(0)), samples_of(PG_GETARG_DATUM(1)), rules);
    Row row;
    row.set(0, Int32GetDatum(static_cast<int32>(found.samples)));
    if (found.valid) {
        row.set_number(1, found.before);
        row.set_number(2, found.after);
        row.set_number(3, found.ratio.ratio);
        if (found.ratio.low > 0 && std::isfinite(found.ratio.high)) {
            row.set_number(4, found.ratio.low);
            row.set_number(5, found.ratio.high);
        }
        if (!std::isnan(found.p))
            row.set_number(6, found.p);
    }
    row.set(7, CStringGetTextDatum(word_of(time_verdict(found, rules))));
    PG_RETURN_DATUM(
        HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), row.values.data(), row.nulls.data())));
}

// judge_time(samples, median_before, median_after, ratio, low, high, p, and the rules) returns text.
DBPERF_FUNCTION(dbperf_judge_time) {
    const TimeRules rules = rules_of(fcinfo, 7);
    const auto number = [fcinfo](int argument, double otherwise) {
        return PG_ARGISNULL(argument) ? otherwise : PG_GETARG_FLOAT8(argument);
    };
    constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
    TimeComparison comparison;
    comparison.samples = PG_ARGISNULL(0) ? 0 : static_cast<size_t>(std::max<int32>(PG_GETARG_INT32(0), 0));
    comparison.before = number(1, 0);
    comparison.after = number(2, 0);
    comparison.ratio = {number(3, 1), number(4, 0), number(5, std::numeric_limits<double>::infinity()), true};
    comparison.p = number(6, unknown);
    comparison.valid = !PG_ARGISNULL(3);
    PG_RETURN_TEXT_P(cstring_to_text(word_of(time_verdict(comparison, rules))));
}

// adjust_holm(p_values float8[]) returns float8[]: nulls and what is no probability stay, and do not count.
DBPERF_FUNCTION(dbperf_adjust_holm) {
    ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
    Datum *elements;
    bool *nulls;
    int count;
    deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, &count);
    if (count == 0)
        PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT8OID));
    const std::span<double> p_values = allocate(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i)
        p_values[static_cast<size_t>(i)] =
            nulls[i] ? std::numeric_limits<double>::quiet_NaN() : DatumGetFloat8(elements[i]);
    adjust_holm(p_values, allocate(holm_scratch(p_values.size())));
    for (int i = 0; i < count; ++i)
        if (!nulls[i])
            elements[i] = Float8GetDatum(p_values[static_cast<size_t>(i)]);
    PG_RETURN_ARRAYTYPE_P(construct_md_array(elements, nulls, ARR_NDIM(array), ARR_DIMS(array), ARR_LBOUND(array),
                                             FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
