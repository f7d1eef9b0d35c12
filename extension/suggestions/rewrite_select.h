// One SELECT for the keys of many.
#pragma once

#include "core/pg.h"

#include "suggestions/rewrite_key.h"
#include "suggestions/rewrite_tree.h"

namespace dbperf::suggestions::rewrite {

// $1 becomes the array of keys, the next ones those of its companions. Null when there is no safe way. *added is the
// position of the column that has the key and that the original does not have, 0: none.
Query *select_for_all(Query *query, const Key &key, const Parameters &parameters, int *added, const char **reason);

// $1::type[] compared with the column in place of the key, as expression.
Node *any_of_list(const Key &key);

} // namespace dbperf::suggestions::rewrite
