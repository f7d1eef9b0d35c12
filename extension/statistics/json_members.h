// Members of objects in jsonb that somebody else wrote: a value is read only after its type was looked at, and what is
// wrong raises an error that names it.
#pragma once

#include "core/pg.h"

#include <string_view>

namespace dbperf::statistics::json {

// False if there is no such member, or it is null.
bool find(JsonbContainer *object, const char *name, JsonbValue *into);

// These raise an error if the member is missing or of another type, or outside of the bounds.
double number(JsonbContainer *object, const char *name, double least, double most);
JsonbContainer *array(JsonbContainer *object, const char *name);
JsonbContainer *object(const JsonbValue &value, const char *name);
const char *text(JsonbContainer *object, const char *name); // palloc'd

// Null if there is none.
const char *text_if_any(JsonbContainer *object, const char *name);
bool flag(JsonbContainer *object, const char *name, bool otherwise);
double number_or(JsonbContainer *object, const char *name, double otherwise);

// A number of JSON as float4 reads its text, so that nothing is lost on the way.
float as_float4(const JsonbValue &value, const char *name);

double as_number(const JsonbValue &value, const char *name);

// Calls visit(value) for each element.
template <typename Visit>
void each(JsonbContainer *array, const Visit &visit) {
    JsonbIterator *iterator = JsonbIteratorInit(array);
    JsonbValue value;
    for (JsonbIteratorToken token = JsonbIteratorNext(&iterator, &value, true); token != WJB_DONE;
         token = JsonbIteratorNext(&iterator, &value, true))
        if (token == WJB_ELEM)
            visit(value);
}

// "has no member" or "is of a wrong type": raises it.
[[noreturn]] void fail(const char *name, const char *what);

} // namespace dbperf::statistics::json
