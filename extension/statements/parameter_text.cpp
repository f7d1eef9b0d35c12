// As postgres_fdw does it: by output functions, under settings that lose nothing.
#include "core/pg.h"

#include "statements/parameter_text.h"

#include <algorithm>

#include "core/guard.h"

namespace dbperf::statements::parameter_text {
using namespace core;

namespace {

void append_value(StringInfo texts, const ParamExternData &parameter) {
    const Oid type = OidIsValid(parameter.ptype) ? parameter.ptype : UNKNOWNOID;
    appendStringInfoString(texts, format_type_be_qualified(type));
    appendStringInfoChar(texts, '\0');
    if (parameter.isnull || !OidIsValid(parameter.ptype)) {
        appendStringInfoString(texts, "n");
    } else {
        Oid output;
        bool is_varlena;
        getTypeOutputInfo(type, &output, &is_varlena);
        appendStringInfoChar(texts, 'v');
        appendStringInfoString(texts, OidOutputFunctionCall(output, parameter.value));
    }
    appendStringInfoChar(texts, '\0');
}

// Runs body with settings that make texts of values mean the same to every session.
template <typename Body>
void with_portable_output(const Body &body) {
    const int date_style = DateStyle;
    const int interval_style = IntervalStyle;
    const int float_digits = extra_float_digits;
    DateStyle = USE_ISO_DATES;
    IntervalStyle = INTSTYLE_POSTGRES;
    extra_float_digits = std::max(extra_float_digits, 1);
    with_cleanup(body, [=] {
        DateStyle = date_style;
        IntervalStyle = interval_style;
        extra_float_digits = float_digits;
    });
}

} // namespace

void append(StringInfo texts, ParamListInfo parameters, size_t limit) {
    with_portable_output([=] {
        for (int i = 0; i < parameters->numParams && static_cast<size_t>(texts->len) <= limit; ++i)
            append_value(texts, parameters->params[i]);
    });
}

} // namespace dbperf::statements::parameter_text
