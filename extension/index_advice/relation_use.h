// Uses of all tables of a query, and of the queries within it. One table may occur several times.
#pragma once

#include "core/pg.h"

#include "index_advice/table_use.h"

namespace dbperf::index_advice::relation_use {

// List of RelationUse.
List *of(const Query *query);

} // namespace dbperf::index_advice::relation_use
