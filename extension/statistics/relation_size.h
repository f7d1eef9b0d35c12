// What the planner makes of a relation's size: the rules of table_block_relation_estimate_size() and
// estimate_rel_size(), with numbers of another server in place of files. Pure.
#pragma once

namespace dbperf::statistics {

// As the catalog of the other server has it, and how many blocks the file had when it was read.
struct StoredSize {
    double pages;       // pg_class.relpages
    double rows;        // pg_class.reltuples; below 0: never counted
    double all_visible; // pg_class.relallvisible
    double blocks;
};

struct PlannedSize {
    double pages;
    double rows;
    double visible_fraction;
};

// Of a table; `rows_per_page` is used where nobody has counted rows, `has_children` as pg_class.relhassubclass says.
PlannedSize table_size(const StoredSize &stored, double rows_per_page, bool has_children);

// Whether the former needs rows_per_page.
bool needs_width(const StoredSize &stored);

// Rows of a partial index of a table with so many rows.
double partial_index_rows(const StoredSize &stored, double table_rows);

} // namespace dbperf::statistics
