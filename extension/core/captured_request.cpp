#include "core/pg.h"

#include "core/captured_request.h"

#include "core/captured_role.h"

namespace dbperf::core::captured_request {
namespace {

struct Reader {
    Datum *texts;
    bool *nulls;
    int left;

    char *take() {
        if (left == 0 || nulls[0])
            fail_malformed();
        char *taken = TextDatumGetCString(texts[0]);
        skip(1);
        return taken;
    }
    int take_count() {
        const int count = atoi(take());
        if (count < 0 || count > left / 2)
            fail_malformed();
        return count;
    }
    void skip(int count) {
        texts += count;
        nulls += count;
        left -= count;
    }
};

} // namespace

void fail_malformed() {
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("dbperf.captured is malformed"),
            errhint("It is for the program dbperf of the same version."));
    pg_unreachable();
}

Request read(const char *array) {
    const Datum texts =
        OidFunctionCall3(F_ARRAY_IN, CStringGetDatum(array), ObjectIdGetDatum(TEXTOID), Int32GetDatum(-1));
    Reader reader{};
    deconstruct_array(DatumGetArrayTypeP(texts), TEXTOID, -1, false, TYPALIGN_INT, &reader.texts, &reader.nulls,
                      &reader.left);
    Request request{};
    request.action = reader.take();
    request.role = reader.take();
    request.settings = reader.take_count();
    request.texts = reader.texts;
    request.nulls = reader.nulls;
    reader.skip(2 * request.settings);
    request.statement = reader.take();
    request.parameters = reader.take_count();
    request.parameter_texts = reader.texts;
    request.parameter_nulls = reader.nulls;
    return request;
}

void apply_settings(const Request &request) {
    for (int i = 0; i < request.settings; ++i) {
        if (request.nulls[2 * i] || request.nulls[2 * i + 1])
            fail_malformed();
        captured_role::set(TextDatumGetCString(request.texts[2 * i]), TextDatumGetCString(request.texts[2 * i + 1]));
    }
}

const char *type_name(const Request &request, int parameter) {
    return request.parameter_nulls[2 * parameter] ? nullptr
                                                  : TextDatumGetCString(request.parameter_texts[2 * parameter]);
}

ParamExternData value(const Request &request, int parameter, Oid type) {
    const bool is_null = request.parameter_nulls[2 * parameter + 1];
    Oid input;
    Oid io_parameter;
    getTypeInputInfo(type, &input, &io_parameter);
    char *spelled = is_null ? nullptr : TextDatumGetCString(request.parameter_texts[2 * parameter + 1]);
    return {OidInputFunctionCall(input, spelled, io_parameter, -1), is_null, PARAM_FLAG_CONST, type};
}

} // namespace dbperf::core::captured_request
