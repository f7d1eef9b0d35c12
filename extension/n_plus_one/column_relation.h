// Whether the schema relates two columns: the same one, a foreign key between them, or foreign keys of both to one
// third column. Reads the catalogs; any failure is "no".
#pragma once

#include "core/pg.h"

namespace dbperf::n_plus_one {

struct TableColumn {
    Oid relation;
    AttrNumber column;
};

bool are_related(TableColumn a, TableColumn b);

} // namespace dbperf::n_plus_one
