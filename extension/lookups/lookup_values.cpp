#include "core/pg.h"

#include "lookups/lookup_values.h"

#include <bit>

#include "core/guard.h"
#include "core/hash.h"
#include "lookups/key_value.h"

namespace dbperf::lookups::lookup_values {
using namespace core;

namespace {

// A lazy parameter is computed by whoever runs the statement, and may fail.
[[gnu::noinline, gnu::cold]] bool fetch(ParamListInfo parameters, int number, ParamExternData *workspace,
                                        const ParamExternData **parameter) {
    return catch_errors([=] { *parameter = parameters->paramFetch(parameters, number, true, workspace); });
}

const ParamExternData *parameter_of(ParamListInfo parameters, int number, ParamExternData *workspace) {
    if (!parameters || number < 1 || number > parameters->numParams)
        return nullptr;
    const ParamExternData *parameter = &parameters->params[number - 1];
    if (parameters->paramFetch && !fetch(parameters, number, workspace, &parameter))
        return nullptr;
    return parameter;
}

// Of any parameter, by its own type; 1 for NULL, 0 when it cannot be had.
uint64 hash_of_parameter(ParamListInfo parameters, int number) {
    ParamExternData workspace;
    const ParamExternData *parameter = parameter_of(parameters, number, &workspace);
    if (!parameter)
        return 0;
    return parameter->isnull ? 1 : key_value::hash_long(value_type::of(parameter->ptype), parameter->value, false);
}

// Of those whose bits are set; 0 when one of them is not to be had.
uint64 hash_of_parameters(ParamListInfo parameters, uint64 which, uint64 all) {
    for (; which != 0; which &= which - 1) {
        const uint64 hash = hash_of_parameter(parameters, std::countr_zero(which) + 1);
        if (hash == 0)
            return 0;
        all = mix_bits(std::rotl(all, 23) ^ hash);
    }
    return all | 1;
}

// Keys that are not one plain value. Keys are those of the text's last plan: who prepared the same text with other
// types has other values, which are not to be read as these.
[[gnu::noinline, gnu::cold]] uint64 hash_of_form(const LookupKey &key, const ParamExternData &parameter,
                                                 ParamListInfo parameters, uint64 *list) {
    if (parameter.ptype != key.whole_type)
        return 0;
    switch (key.form) {
    case KeyForm::as_text:
        return key_value::hash_text_as(key.type.reading, parameter.value, parameter.isnull);
    case KeyForm::element: {
        uint64 of_list = 0;
        const uint64 hash = key_value::hash_only_element(key.whole_type, parameter.value, parameter.isnull, &of_list);
        if (of_list != 0)
            *list = mix_bits(std::rotl(*list, 23) ^ of_list) | 1;
        return hash;
    }
    case KeyForm::document:
        return key_value::hash_of_document(parameter.value, parameter.isnull);
    case KeyForm::range: {
        ParamExternData workspace;
        const ParamExternData *other = parameter_of(parameters, static_cast<int>(key.other), &workspace);
        if (!other || other->ptype != key.whole_type)
            return 0;
        const uint64 low = key_value::hash(key.type, parameter.value, parameter.isnull);
        return low == key_value::hash(key.type, other->value, other->isnull) ? low : 0;
    }
    default:
        return 0;
    }
}

inline uint64 hash_of_key(const LookupKey &key, const LookupValues &constants, int number, ParamListInfo parameters,
                          uint64 *list) {
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
    return hash_of_form(key, *parameter, parameters, list);
}

// What is too long to be traced tells executions apart all the same.
uint64 hash_if_long(const LookupKey &key, ParamListInfo parameters) {
    ParamExternData workspace;
    const ParamExternData *parameter =
        key.parameter > 0 &&
                (key.form == KeyForm::scalar || key.form == KeyForm::as_text || key.form == KeyForm::document)
            ? parameter_of(parameters, key.parameter, &workspace)
            : nullptr;
    return parameter ? key_value::hash_long(value_type::of(parameter->ptype), parameter->value, parameter->isnull) : 0;
}

} // namespace

uint64 read_one(const LookupKeys &keys, const LookupValues &constants, ParamListInfo parameters) {
    uint64 list = 0;
    return hash_of_key(keys.keys[0], constants, 0, parameters, &list);
}

[[gnu::noinline]] void read_several(const LookupKeys &keys, const LookupValues &constants, ParamListInfo parameters,
                                    ListHistory *lists, LookupValues *values) {
    uint64 list = 0;
    uint64 all = 0x2545f4914f6cdd1du;
    if (constants.count > 0) {
        list = constants.list;
        if (unlikely(constants.rest != 0))
            all = mix_bits(all ^ constants.rest);
    }
    if (unlikely(keys.other_parameters != 0))
        all = mix_bits(all ^ hash_of_parameters(parameters, keys.other_parameters, 1));
    if (unlikely(keys.list_parameters != 0))
        list = hash_of_parameters(parameters, keys.list_parameters, list | 1);
    bool any = false;
    for (int i = 0; i < keys.count; ++i) {
        const LookupKey &key = keys.keys[i];
        uint64 hash = 0;
        if (unlikely(key.form == KeyForm::computed && key.other != 0)) {
            hash = hash_of_parameters(parameters, key.other, static_cast<uint64>(i + 2));
        } else if (likely(key.form != KeyForm::list)) {
            hash = hash_of_key(key, constants, i, parameters, &list);
            if (unlikely(hash == 0))
                hash = hash_if_long(key, parameters);
        }
        values->hashes[i] = hash;
        all = mix_bits(std::rotl(all, 23) ^ hash);
        any = any || hash != 0;
    }
    // An INSERT of NULLs is a row like any other.
    values->count = any || keys.is_insert ? keys.count : 0;
    values->list = list;
    values->all = all | 1;
    if (unlikely(list != 0) && (!any || !lists->is_constant(list))) {
        values->count = 0;
        values->is_batch = true;
    }
}

uint64 hash_parameters(ParamListInfo parameters) {
    uint64 all = 1;
    for (int i = 0; parameters && !parameters->paramFetch && i < parameters->numParams; ++i) {
        const ParamExternData &parameter = parameters->params[i];
        all = mix_bits(std::rotl(all, 23) ^ key_value::hash_any(parameter.ptype, parameter.value, parameter.isnull));
    }
    return all;
}

} // namespace dbperf::lookups::lookup_values
