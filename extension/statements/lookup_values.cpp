#include "core/pg.h"

#include "statements/lookup_values.h"

#include <bit>

#include "core/guard.h"
#include "core/hash.h"
#include "statements/key_value.h"

namespace dbperf::statements::lookup_values {
using namespace core;

namespace {

// A lazy parameter is computed by whoever runs the statement, and may fail.
[[gnu::noinline]] bool fetch(ParamListInfo parameters, int number, ParamExternData *workspace,
                             const ParamExternData **parameter) {
    return catch_errors([=] { *parameter = parameters->paramFetch(parameters, number, true, workspace); });
}

// Keys that are not one plain value. Keys are those of the text's last plan: who prepared the same text with other
// types has other values, which are not to be read as these.
[[gnu::noinline]] uint64 hash_of_form(const LookupKey &key, const ParamExternData &parameter, bool *is_list) {
    if (parameter.ptype != key.whole_type)
        return 0;
    if (key.form == KeyForm::as_text)
        return key_value::hash_text_as(key.type, parameter.value, parameter.isnull);
    if (key.form == KeyForm::element)
        return key_value::hash_only_element(key.type, parameter.value, parameter.isnull, is_list);
    return 0;
}

inline uint64 hash_of_key(const LookupKey &key, const LookupValues &constants, int number, ParamListInfo parameters,
                          bool *is_list) {
    if (key.parameter == 0) {
        // A plan whose place was taken by another has lost its constants; they are always the same, though.
        return number < constants.count ? constants.hashes[number] : 1;
    }
    if (!parameters || key.parameter > parameters->numParams)
        return 0;
    ParamExternData workspace;
    const auto *parameter =
        reinterpret_cast<const ParamExternData *>(reinterpret_cast<const char *>(parameters) + key.offset);
    if (unlikely(parameters->paramFetch) && !fetch(parameters, key.parameter, &workspace, &parameter))
        return 0;
    if (likely(parameter->ptype == key.declared))
        return key_value::hash(key.type, parameter->value, parameter->isnull);
    return hash_of_form(key, *parameter, is_list);
}

} // namespace

uint64 read_one(const LookupKeys &keys, const LookupValues &constants, ParamListInfo parameters) {
    bool is_list = false;
    return hash_of_key(keys.keys[0], constants, 0, parameters, &is_list);
}

[[gnu::noinline]] void read_several(const LookupKeys &keys, const LookupValues &constants, ParamListInfo parameters,
                                    LookupValues *values) {
    bool is_list = false;
    uint64 all = 0x2545f4914f6cdd1du;
    for (int i = 0; i < keys.count; ++i) {
        const uint64 hash = hash_of_key(keys.keys[i], constants, i, parameters, &is_list);
        values->hashes[i] = hash;
        all = mix_bits(std::rotl(all, 23) ^ hash);
        // A computed key makes the whole unknown; an INSERT of NULL is a row like any other.
        if (hash == 0 && !keys.is_insert)
            is_list = true;
    }
    values->count = is_list ? 0 : keys.count;
    values->all = all | 1;
}

uint64 hash_parameters(ParamListInfo parameters) {
    uint64 all = 1;
    for (int i = 0; parameters && !parameters->paramFetch && i < parameters->numParams; ++i) {
        const ParamExternData &parameter = parameters->params[i];
        all = mix_bits(std::rotl(all, 23) ^ key_value::hash_any(parameter.ptype, parameter.value, parameter.isnull));
    }
    return all;
}

} // namespace dbperf::statements::lookup_values
