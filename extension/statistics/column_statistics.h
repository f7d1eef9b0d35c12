// One column's statistics as a document has them, and the row of pg_statistic that they become here. What the planner
// believes without looking (lengths, order, ranges) is checked before it sees it; values go through their type's own
// input function. What cannot be so is an error.
#pragma once

#include "core/pg.h"

namespace dbperf::statistics {

struct StatisticsColumn {
    Oid relation; // of an index for the columns that are its expressions
    AttrNumber number;
    bool inherited;
    Oid type;
    Oid collation;
};

// The form of the document alone: whatever is wrong there is wrong for every database.
void check_column_statistics(JsonbContainer *data);

// palloc'd; null when its values are none of this type here, with what the type's input function says. That may be a
// role's: it runs as the owner of the table, as in ANALYZE, and what it did is rolled back when it fails. `data` was
// checked.
HeapTuple try_column_statistics(const StatisticsColumn &column, JsonbContainer *data, char **message);

// A type as documents name it: with its schema, unless that is pg_catalog, whatever the search path.
const char *name_of_type(Oid type);

// An array of values as text, read as this type; `name` is whose they are, for errors.
ArrayType *read_values(Oid type, const char *text, const char *name);

} // namespace dbperf::statistics
