// One SELECT for the keys of many.
#pragma once

#include "core/pg.h"

#include "suggestions/rewrite_key.h"

namespace dbperf::suggestions::rewrite {

// $1 becomes the array of keys, `others[number - 1]` what the parameters besides the key become. Null when there is no
// safe way. *added is the position of the column that has the key and that the original does not have, 0: none.
Query *select_for_all(Query *query, const Key &key, Node **others, int uses_of_key, int *added);

// $1::type[] compared with the column in place of the key, as expression.
Node *any_of_list(const Key &key);

} // namespace dbperf::suggestions::rewrite
