// The SQL that describes the schema of the database it runs in, as one jsonb: it needs no extension there.
//
// {kind: {name: {"relation": name, "relations": [names of tables without schema], "definition": text}}}, and {"size":
// {name: {"relations", "rows", "pages"}}}. Names carry their schema unless it is public. No OIDs and no literals of
// statistics: two databases with one schema have one description. Indexes, statistics objects and views are printed
// under a lock on their tables.
#pragma once

namespace dbperf::schema_changes {

extern const char *const schema_sql;
extern const char *const schema_views_sql;

} // namespace dbperf::schema_changes
