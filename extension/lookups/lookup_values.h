// The lookup values of one execution, as hashes.
#pragma once

#include "lookups/list_history.h"
#include "lookups/lookup_keys.h"

namespace dbperf::lookups::lookup_values {

// The keys' values. Parameters are read from the execution, fetched lazily where they are lazy. `lists`: those that the
// statement was executed with before.
void read_several(const LookupKeys &keys, const LookupValues &constants, ParamListInfo parameters, ListHistory *lists,
                  LookupValues *values);
uint64 read_one(const LookupKeys &keys, const LookupValues &constants, ParamListInfo parameters);

inline void read(const LookupKeys &keys, const LookupValues &constants, ParamListInfo parameters, ListHistory *lists,
                 LookupValues *values) {
    values->count = keys.count;
    values->is_batch = false;
    if (likely(keys.count == 1)) {
        values->all = values->hashes[0] = read_one(keys, constants, parameters);
        if (unlikely(values->all == 0))
            read_several(keys, constants, parameters, lists, values);
    } else if (keys.count > 1) {
        read_several(keys, constants, parameters, lists, values);
    }
}

// One hash over all parameters.
uint64 hash_parameters(ParamListInfo parameters);

} // namespace dbperf::lookups::lookup_values
