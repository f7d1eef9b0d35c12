#include "core/pg.h"

#include "statistics/json_members.h"

#include <cstdlib>

namespace dbperf::statistics::json {

void fail(const char *name, const char *what) {
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("statistics: \"%s\" %s", name, what),
            errhint("The document is to be one that dbperf statistics export wrote, whole and unchanged."));
    pg_unreachable();
}

bool find(JsonbContainer *object, const char *name, JsonbValue *into) {
    return getKeyJsonValueFromContainer(object, name, static_cast<int>(strlen(name)), into) && into->type != jbvNull;
}

namespace {

JsonbValue required(JsonbContainer *object, const char *name, enum jbvType type, const char *what) {
    JsonbValue value;
    if (!find(object, name, &value))
        fail(name, "is missing");
    if (value.type != type)
        fail(name, what);
    return value;
}

// What is too large is infinite, and then out of every range.
const char *digits_of(const JsonbValue &value) {
    return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
}

double as_double(const JsonbValue &value) {
    return strtod(digits_of(value), nullptr);
}

} // namespace

double number(JsonbContainer *object, const char *name, double least, double most) {
    const double value = as_double(required(object, name, jbvNumeric, "is no number"));
    if (!(value >= least && value <= most))
        fail(name, "is out of range");
    return value;
}

double number_or(JsonbContainer *object, const char *name, double otherwise) {
    JsonbValue value;
    if (!find(object, name, &value))
        return otherwise;
    if (value.type != jbvNumeric)
        fail(name, "is no number");
    return as_double(value);
}

JsonbContainer *array(JsonbContainer *object, const char *name) {
    const JsonbValue value = required(object, name, jbvBinary, "is no array");
    if (!JsonContainerIsArray(value.val.binary.data))
        fail(name, "is no array");
    return value.val.binary.data;
}

JsonbContainer *object(const JsonbValue &value, const char *name) {
    if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
        fail(name, "is no object");
    return value.val.binary.data;
}

const char *text(JsonbContainer *object, const char *name) {
    const JsonbValue value = required(object, name, jbvString, "is no text");
    return pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len));
}

const char *text_if_any(JsonbContainer *object, const char *name) {
    JsonbValue value;
    return find(object, name, &value) ? text(object, name) : nullptr;
}

bool flag(JsonbContainer *object, const char *name, bool otherwise) {
    JsonbValue value;
    if (!find(object, name, &value))
        return otherwise;
    if (value.type != jbvBool)
        fail(name, "is neither true nor false");
    return value.val.boolean;
}

double as_number(const JsonbValue &value, const char *name) {
    if (value.type != jbvNumeric)
        fail(name, "holds something that is no number");
    return as_double(value);
}

float as_float4(const JsonbValue &value, const char *name) {
    if (value.type != jbvNumeric)
        fail(name, "holds something that is no number");
    return strtof(digits_of(value), nullptr);
}

} // namespace dbperf::statistics::json
