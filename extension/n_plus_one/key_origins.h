// What the origins of an execution's keys say: which of them count, and which batch of rows they are of. Knows no
// loops.
#pragma once

#include "n_plus_one/key_variation.h"
#include "n_plus_one/lineage.h"

namespace dbperf::n_plus_one::key_origins {

// A key that stays the same came from nowhere, even if somebody returned its value.
void drop_constant_keys(const KeyVariation &variation, lineage::Origins *found);
// Of a transaction, only what it returned itself ties its loops together.
void keep_inside(lineage::Origins *found);
// Whether there are any, all of them returned on other connections.
bool all_foreign(const lineage::Origins &found);
// The batch that this execution's rows belong to: that of the row it was asked for, else its own (0).
uint32 root_of(const RepeatedLookup &lookup, const lineage::Origins &found);

} // namespace dbperf::n_plus_one::key_origins
