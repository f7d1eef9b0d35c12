// Which databases dbperf made: the beginning of the name and of the comment say so.
#pragma once

#include "core/pg.h"

namespace dbperf::core::made_database {

constexpr const char *copy_prefix = "dbperf_test_";
constexpr const char *template_prefix = "dbperf_template_";
// What the comment of every database that dbperf made begins with; no other one is ever dropped.
constexpr const char *mark = "made by dbperf: ";

bool has_prefix(const char *name);
// By name and comment; inside a transaction.
bool is_ours(Oid database, const char *name);

} // namespace dbperf::core::made_database
