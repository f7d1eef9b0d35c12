// What the program dbperf, or SQL, hands over of a statement that somebody sent: an array of texts. What to do, the
// role, the number of settings and of each its name and value, the statement, the number of its parameters and of each
// its type and value (null is NULL).
#pragma once

#include "core/pg.h"

namespace dbperf::core::captured_request {

struct Request {
    std::string_view action;
    const char *role;
    const char *statement;
    int settings;
    int parameters;
    Datum *texts; // those of settings, and of parameters
    bool *nulls;
    Datum *parameter_texts;
    bool *parameter_nulls;
};

[[noreturn]] void fail_malformed();

// Raise what is malformed.
Request read(const char *array);
// Inside captured_role::as().
void apply_settings(const Request &request);
// Null: the type is not known.
const char *type_name(const Request &request, int parameter);
// The value as that type.
ParamExternData value(const Request &request, int parameter, Oid type);

} // namespace dbperf::core::captured_request
