#include "core/pg.h"

#include "lookups/lookup_walk.h"

#include <bit>

#include "core/hash.h"

namespace dbperf::lookups::lookup_walk {
using namespace core;
using namespace lookup_expression;

namespace {

uint8 rank_of(const Column &column, const Value &value) {
    const Reading reading = column.type.reading;
    const bool is_usual = is_number(reading) || reading == Reading::uuid;
    return static_cast<uint8>((value.parameter != 0 ? 4 : 0) + (is_usual ? 2 : 0) +
                              (value.form != KeyForm::list && value.form != KeyForm::computed ? 1 : 0));
}

void note_rest(Walk *walk, int parameter, uint32 others, uint64 constant) {
    if (parameter == 0)
        walk->constants->rest = mix_bits(std::rotl(walk->constants->rest, 23) ^ constant) | 1;
    else if (parameter <= 64)
        walk->keys->other_parameters |= uint64{1} << (parameter - 1);
    else
        walk->keys->other_parameters |= others;
}

} // namespace

void add(Walk *walk, const Column &column, const Value &value) {
    LookupKeys *keys = walk->keys;
    const uint8 rank = rank_of(column, value);
    int at = keys->count;
    if (at >= walk->capacity) {
        for (int i = 0; i < keys->count; ++i)
            if (at == keys->count || keys->keys[i].rank < keys->keys[at].rank)
                at = i;
        if (at == keys->count || keys->keys[at].rank >= rank) {
            note_rest(walk, value.parameter, value.others, value.constant);
            keys->has_constants = true;
            return;
        }
        const LookupKey &lost = keys->keys[at];
        note_rest(walk, lost.parameter, lost.other, walk->constants->hashes[at]);
    } else {
        walk->constants->count = ++keys->count;
    }
    LookupKey &key = keys->keys[at];
    key = LookupKey{};
    key.relation = column.relation;
    key.column = column.number;
    key.form = value.form;
    key.rank = rank;
    key.parameter = value.parameter;
    if (value.parameter > 0 && value.parameter < beyond_parameters)
        key.offset = static_cast<uint32>(offsetof(ParamListInfoData, params) +
                                         sizeof(ParamExternData) * static_cast<size_t>(value.parameter - 1));
    const bool is_scalar = value.form == KeyForm::scalar;
    key.declared = is_scalar ? value.declared : InvalidOid;
    key.whole_type = is_scalar ? InvalidOid : value.declared;
    key.type = value.type;
    key.other = value.others;
    walk->constants->hashes[at] = value.constant;
    if (value.parameter == 0 || value.form == KeyForm::computed || value.form == KeyForm::list)
        keys->has_constants = true;
}

void add_list_hash(Walk *walk, uint64 hash) {
    walk->constants->list = mix_bits(std::rotl(walk->constants->list, 23) ^ hash) | 1;
    walk->keys->has_constants = true;
}

void add_to_list(Walk *walk, const Value &value) {
    if (value.parameter == 0)
        add_list_hash(walk, value.constant);
    else if (value.parameter <= 64)
        walk->keys->list_parameters |= uint64{1} << (value.parameter - 1);
    else if (value.form == KeyForm::computed)
        walk->keys->list_parameters |= value.others;
    else
        walk->keys->is_batch = true;
}

Value list_value() {
    Value value{};
    value.form = KeyForm::list;
    value.parameter = beyond_parameters;
    return value;
}

void remove_key(Walk *walk, int at) {
    for (int i = at; i + 1 < walk->keys->count; ++i) {
        walk->keys->keys[i] = walk->keys->keys[i + 1];
        walk->constants->hashes[i] = walk->constants->hashes[i + 1];
    }
    walk->constants->count = --walk->keys->count;
}

} // namespace dbperf::lookups::lookup_walk
