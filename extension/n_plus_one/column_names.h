// The names of the columns that loops go over, for whoever reports one without being able to ask the catalogs: a
// session that ends, a backend of another database.
//
// Locking: a spinlock for each name. What was renamed meanwhile has its old name here; the catalogs come first.
#pragma once

#include "core/pg.h"

#include "n_plus_one/column_relation.h"

namespace dbperf::n_plus_one::column_names {

struct ColumnName {
    char schema[NAMEDATALEN];
    char relation[NAMEDATALEN];
    char column[NAMEDATALEN];
};

void install();
// While the catalogs can be read: so that name_of knows it later.
void remember(TableColumn column);
// False when it is not known.
bool name_of(Oid database, TableColumn column, ColumnName *name);

} // namespace dbperf::n_plus_one::column_names
