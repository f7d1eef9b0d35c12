// Which statistics this session plans with, and what they say of a relation: looked up once for each relation and kept
// until its catalog entries change. Knows the tables they are stored in, not what the planner does with them.
#pragma once

#include "core/pg.h"

#include <span>

#include "statistics/relation_size.h"

namespace dbperf::statistics {

struct ImportedColumn {
    AttrNumber number;
    bool inherited;
    bool missing;    // it could not be read there: what is known here holds
    HeapTuple tuple; // of pg_statistic; null while missing, and if it cannot be used here
};

struct ImportedIndex {
    Oid index;
    StoredSize size;
    int height;   // -1: not known
    int position; // in the order in which they were made there
    bool valid;
    double pending_pages;              // of a GIN index; below 0: not known
    std::span<ImportedColumn> columns; // its expressions
};

struct ImportedRelation {
    bool has_size;
    StoredSize size;
    bool has_children;
    bool in_catalogs; // columns are there
    std::span<ImportedColumn> columns;
    std::span<ImportedIndex> indexes;
};

namespace session_statistics {

extern bool active; // dbperf.statistics is set
extern uint64 uses; // how many relations were planned with them

// Defines the setting; its first value other than the empty one calls before_first_use.
void install(void (*before_first_use)());
// What was found stays where it is until the next call of this: at the beginning of planning that is not nested.
void forget_stale();
// Null: nothing is known of it, or it cannot be read. Never raises but for a cancel.
const ImportedRelation *find(Oid relation);
const ImportedColumn *find_column(std::span<ImportedColumn> columns, AttrNumber number, bool inherited);
const ImportedIndex *find_index(const ImportedRelation &relation, Oid index);

const char *name();
// The other server's settings for the planner; null: none, or nothing is imported under that name.
const Jsonb *planner_settings();

} // namespace session_statistics
} // namespace dbperf::statistics
