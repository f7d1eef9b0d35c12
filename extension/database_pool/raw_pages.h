// Pages of any database by file and number, without its catalogs. The caller sees to it that nobody else uses the
// files.
#pragma once

#include "core/pg.h"

#include <span>

#include "core/compat.h"

namespace dbperf::database_pool::raw_pages {

// A file of a copy and the one it was copied from.
struct FilePair {
    core::compat::FileLocator copy;
    core::compat::FileLocator original;
    bool logged;
};

enum class Outcome : uint8_t { same, put_back, original_changed };

// Blocks of a fork; 0 when it does not exist.
BlockNumber length(const core::compat::FileLocator &file, ForkNumber fork);

// Whether the copy's page is as the original's, but for its position in the log.
bool is_same(const FilePair &files, ForkNumber fork, BlockNumber block);

// Whether the copy's page holds nothing behind its header.
bool is_blank(const FilePair &files, ForkNumber fork, BlockNumber block);

// Where the records of one's own end in the log, in ascending order.
struct OwnRecords {
    XLogRecPtr *ends;
    size_t count;
    size_t capacity;

    void add(XLogRecPtr end);
    bool has(XLogRecPtr end) const;
};

// Makes the copy's page as the original's, as a logged change. An original that was written to after `sealed_at` is not
// taken.
Outcome put_back(const FilePair &files, ForkNumber fork, BlockNumber block, XLogRecPtr prepared_at,
                 OwnRecords *records);

// The contents of a row, without its header, as far as `into` (BLCKSZ); null when there is none at that place.
const char *copy_row(const core::compat::FileLocator &file, BlockNumber block, OffsetNumber offset, char *into);

// Whether a page of a B-tree holds entries marked dead: a hint that is in no log.
bool has_dead_entries(const FilePair &files, BlockNumber block);

// Cuts copies that have grown to these lengths. As with the server's own function the log is on disk before a file is
// cut, but once for all of them.
struct Shortening {
    FilePair files;
    BlockNumber blocks;
};
void shorten(std::span<const Shortening> all, OwnRecords *records);

} // namespace dbperf::database_pool::raw_pages
