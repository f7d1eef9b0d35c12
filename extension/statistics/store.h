// The tables that hold imported statistics, read without SPI: a hook of the planner may not start a query. They belong
// to the extension, so no other role made or filled them.
#pragma once

#include "core/pg.h"

namespace dbperf::statistics::store {

// One row of dbperf.statistics_object.
struct Row {
    const char *kind; // relation, index, column, index column
    const char *object;
    bool inherited;
    bool missing; // it could not be read there
    Jsonb *data;
};

// One row of dbperf.statistics_import.
struct Import {
    bool found;
    bool in_catalogs; // columns are in the catalogs, sizes belong to OIDs
    Jsonb *settings;
};

// Palloc'd. Not found where this database has no extension, or one of another version.
Import import_named(const char *name);

// Calls visit(row) for what an import holds of a relation. True if there was any.
using Visit = void (*)(const Row &row, void *context);
bool visit_relation(const char *name, const char *schema, const char *relation, Visit visit, void *context);
// The same of what was bound to this OID, of an import in the catalogs.
bool visit_object(const char *name, Oid object, Visit visit, void *context);

} // namespace dbperf::statistics::store
