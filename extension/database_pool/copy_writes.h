// What was written to one copy since it was clean: read from the write-ahead log, which has every page whoever
// changed it and however. The log leaves out rows of unlogged tables, and hints; those who put pages back know.
#pragma once

#include "core/pg.h"

#include <span>

#include "database_pool/file_map.h"
#include "database_pool/raw_pages.h"
#include "database_pool/reset_decision.h"

namespace dbperf::database_pool {

struct WrittenPage {
    uint32 file;
    Oid space;
    BlockNumber block;
    bool ends_rows; // rows were deleted or moved: entries of the table's indexes may be marked dead
};

namespace copy_writes {

constexpr uint32 max_pages = 16384;

// Pages are sorted by file and block, without duplicates; palloc'd.
struct Found {
    Writes writes;
    WrittenPage *pages;
    XLogRecPtr end; // what is written behind it is not among them

    std::span<const WrittenPage> all() const { return {pages, writes.pages}; }
};

struct Question {
    Oid database;
    Oid original; // its template
    XLogRecPtr since;
    std::span<const MappedFile> map;  // of the template; pages of files that it does not have are only counted
    const raw_pages::OwnRecords &own; // not to be counted
    const Writes &known;              // what is in no log
};
Found find(const Question &question);

} // namespace copy_writes
} // namespace dbperf::database_pool
