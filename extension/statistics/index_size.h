// How large a btree would be that is built now: nbtsort.c's own filling of pages, from widths and numbers of distinct
// keys. Pure.
#pragma once

namespace dbperf::statistics {

struct BtreeKey {
    double rows;
    double distinct; // different keys; as many as rows in a unique index
    double width;    // bytes of key and included columns, without header
    double fill;     // fillfactor, 0 to 1
    bool deduplicates;
};

struct BtreeSize {
    double pages; // with metapage and inner pages
    int height;   // levels above the leaves
};

BtreeSize btree_size(const BtreeKey &key);

// Levels above the leaves of a btree of so many pages.
int btree_height(double pages, double width);

} // namespace dbperf::statistics
