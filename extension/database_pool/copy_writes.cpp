// Catalogs differ from user tables by the number of their files, which prepare_template.cpp sees to.
#include "core/pg.h"

#include "database_pool/copy_writes.h"

#include <algorithm>

#include "core/compat.h"
#include "database_pool/catalog_rows.h"
#include "database_pool/write_ahead_log.h"

namespace dbperf::database_pool::copy_writes {
using namespace core;

namespace {

constexpr uint64 max_log = uint64{128} << 20;

struct Search {
    Oid database;
    const raw_pages::OwnRecords &own;
    catalog_rows::Ledger *catalogs;
    std::span<const MappedFile> map;
    Found found;
    uint32 capacity;
    TransactionId known;
    bool known_aborted;
};

// New files may be made before the transaction has an id; they matter by the catalog rows that name them.
bool has_no_effect(Search *search, TransactionId xid) {
    if (!TransactionIdIsValid(xid))
        return true;
    if (xid != search->known) {
        search->known = xid;
        search->known_aborted = !TransactionIdIsInProgress(xid) && !TransactionIdDidCommit(xid);
    }
    return search->known_aborted;
}

bool comes_before(const WrittenPage &a, const WrittenPage &b) {
    if (a.file != b.file)
        return a.file < b.file;
    return a.space != b.space ? a.space < b.space : a.block < b.block;
}

bool is_same_page(const WrittenPage &a, const WrittenPage &b) {
    return a.file == b.file && a.space == b.space && a.block == b.block;
}

void remove_duplicates(Found *found) {
    WrittenPage *end = found->pages + found->writes.pages;
    std::sort(found->pages, end, comes_before);
    WrittenPage *last = found->pages;
    for (WrittenPage *page = found->pages; page != end; ++page) {
        if (page == found->pages)
            continue;
        if (is_same_page(*page, *last))
            last->ends_rows = last->ends_rows || page->ends_rows;
        else
            *++last = *page;
    }
    if (found->writes.pages > 0)
        found->writes.pages = static_cast<uint32>(last - found->pages) + 1;
}

void add(Search *search, const WrittenPage &page, TransactionId xid) {
    Found *found = &search->found;
    if (found->writes.pages_are_too_many)
        return;
    // Most records touch a page that was touched a moment ago.
    const uint32 count = found->writes.pages;
    for (uint32 i = count; i > 0 && count - i < 16; --i)
        if (is_same_page(found->pages[i - 1], page)) {
            found->pages[i - 1].ends_rows = found->pages[i - 1].ends_rows || page.ends_rows;
            return;
        }
    // A table that was rolled back is no difference.
    if (!search->map.empty() && !find_file(search->map, page.space, page.file)) {
        if (!has_no_effect(search, xid))
            ++found->writes.unknown_files;
        return;
    }
    if (count == search->capacity) {
        remove_duplicates(found);
        if (found->writes.pages > search->capacity / 2 && search->capacity < 2 * max_pages) {
            search->capacity *= 2;
            found->pages = static_cast<WrittenPage *>(repalloc(found->pages, sizeof(WrittenPage) * search->capacity));
        }
        if (found->writes.pages > max_pages) {
            found->writes.pages_are_too_many = true;
            return;
        }
    }
    found->pages[found->writes.pages++] = page;
}

bool ends_rows(XLogReaderState *record) {
    const uint8 kind = XLogRecGetInfo(record) & XLOG_HEAP_OPMASK;
    return XLogRecGetRmid(record) == RM_HEAP_ID && (kind == XLOG_HEAP_DELETE || kind == XLOG_HEAP_UPDATE);
}

void visit_storage(Search *search, XLogReaderState *record) {
    const uint8 kind = XLogRecGetInfo(record) & ~XLR_INFO_MASK;
    if (kind == XLOG_SMGR_CREATE) {
        const auto *create = reinterpret_cast<const xl_smgr_create *>(XLogRecGetData(record));
        if (compat::database_of(compat::locator_of(*create)) == search->database &&
            !has_no_effect(search, XLogRecGetXid(record)))
            ++search->found.writes.new_files;
    } else if (kind == XLOG_SMGR_TRUNCATE) {
        const auto *cut = reinterpret_cast<const xl_smgr_truncate *>(XLogRecGetData(record));
        const compat::FileLocator file = compat::locator_of(*cut);
        if (compat::database_of(file) == search->database && compat::file_of(file) >= FirstNormalObjectId)
            add(search, {compat::file_of(file), compat::space_of(file), 0, false}, XLogRecGetXid(record));
    }
}

void visit(XLogReaderState *record, void *argument) {
    Search *search = static_cast<Search *>(argument);
    if (search->own.has(record->EndRecPtr))
        return;
    if (XLogRecGetRmid(record) == RM_SMGR_ID)
        visit_storage(search, record);
    if (XLogRecGetRmid(record) == RM_RELMAP_ID &&
        reinterpret_cast<const xl_relmap_update *>(XLogRecGetData(record))->dbid == search->database)
        ++search->found.writes.new_files;
    if (XLogRecGetRmid(record) == RM_XACT_ID && (XLogRecGetInfo(record) & XLOG_XACT_OPMASK) == XLOG_XACT_PREPARE &&
        reinterpret_cast<const xl_xact_prepare *>(XLogRecGetData(record))->database == search->database)
        ++search->found.writes.prepared;
    for (int i = 0; i <= XLogRecMaxBlockId(record); ++i) {
        compat::FileLocator file;
        ForkNumber fork;
        BlockNumber block;
        if (!XLogRecGetBlockTagExtended(record, static_cast<uint8>(i), &file, &fork, &block, nullptr) ||
            compat::database_of(file) != search->database)
            continue;
        if (compat::file_of(file) < FirstNormalObjectId) {
            if (i == 0)
                catalog_rows::note(search->catalogs, record, compat::space_of(file), compat::file_of(file));
        } else if (fork == MAIN_FORKNUM)
            add(search, {compat::file_of(file), compat::space_of(file), block, ends_rows(record)},
                XLogRecGetXid(record));
    }
}

} // namespace

Found find(const Question &question) {
    Search search{question.database,
                  question.own,
                  catalog_rows::open(question.database, question.original),
                  question.map,
                  Found{},
                  256,
                  0,
                  false};
    search.found.writes = question.known;
    search.found.pages = static_cast<WrittenPage *>(palloc(sizeof(WrittenPage) * search.capacity));
    if (!write_ahead_log::read(question.since, max_log, visit, &search, &search.found.end))
        search.found.writes.log_is_gone = true;
    remove_duplicates(&search.found);
    const catalog_rows::Differences differences = catalog_rows::close(search.catalogs);
    search.found.writes.catalog_rows = differences.definitions;
    search.found.writes.statistics_rows = differences.statistics;
    search.found.writes.large_object_rows = differences.large_objects;
    return search.found;
}

} // namespace dbperf::database_pool::copy_writes
