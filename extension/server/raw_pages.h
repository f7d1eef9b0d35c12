// Pages of any database by file and number, without its catalogs. The caller sees to it that nobody else uses the
// files.
#pragma once

#include "server/pg.h"

#include <span>

#include "server/compat.h"

namespace dbperf::raw_pages {

// A file of a copy and the one it was copied from.
struct FilePair {
    compat::FileLocator copy;
    compat::FileLocator original;
    bool logged;
};

enum class Outcome : uint8_t { same, put_back, original_changed };

// Blocks of a fork; 0 when it does not exist.
BlockNumber length(const compat::FileLocator &file, ForkNumber fork);

// Whether the copy's page is as the original's, but for its position in the log.
bool is_same(const FilePair &files, ForkNumber fork, BlockNumber block);

// Whether the copy's page holds nothing behind its header.
bool is_blank(const FilePair &files, ForkNumber fork, BlockNumber block);

// Makes the copy's page as the original's, as a logged change. An original that was written to after `sealed_at` is not
// taken.
Outcome put_back(const FilePair &files, ForkNumber fork, BlockNumber block, XLogRecPtr sealed_at);

// Whether a page of a B-tree holds entries marked dead: a hint that no log tells of.
bool has_dead_entries(const FilePair &files, BlockNumber block);

// Cuts copies that have grown to these lengths. The server's own function waits for the log to be on disk before it
// cuts a file. Here that is at most once for all of them, and not at all with full page writes: what a crash could lose
// then is in copies only, which are dropped after one.
struct Shortening {
    FilePair files;
    BlockNumber blocks;
};
void shorten(std::span<const Shortening> all);

} // namespace dbperf::raw_pages
