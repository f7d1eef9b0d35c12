// What the server does besides for a statement: rows that refer to one that goes have to be found.
#pragma once

#include "core/pg.h"

#include "index_advice/advised_statement.h"

namespace dbperf::index_advice::implied_statement {

// List of AdvisedStatement, one for each foreign key that refers to what a DELETE or an UPDATE of the key takes away.
List *of(const AdvisedStatement &statement);

} // namespace dbperf::index_advice::implied_statement
