#include "core/pg.h"

#include "database_pool/raw_pages.h"

#include <algorithm>

namespace dbperf::database_pool::raw_pages {
using namespace core;

namespace {

// What two equal pages may differ in, position and checksum, stands first.
constexpr size_t own_header = offsetof(PageHeaderData, pd_flags);

alignas(16) char original_page[BLCKSZ];

Buffer read_buffer(const compat::FileLocator &file, ForkNumber fork, BlockNumber block, bool logged) {
    return ReadBufferWithoutRelcache(file, fork, block, RBM_NORMAL, nullptr, logged);
}

void read_original(const FilePair &files, ForkNumber fork, BlockNumber block) {
    const Buffer buffer = read_buffer(files.original, fork, block, files.logged);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    memcpy(original_page, BufferGetPage(buffer), BLCKSZ);
    UnlockReleaseBuffer(buffer);
}

bool equals_original(const char *page) {
    return memcmp(page + own_header, original_page + own_header, BLCKSZ - own_header) == 0;
}

// Generic records leave out what lies between the two halves of a page, which must be zeros then.
bool has_clean_hole() {
    const PageHeaderData *header = reinterpret_cast<const PageHeaderData *>(original_page);
    if (header->pd_upper == 0 || header->pd_lower < SizeOfPageHeaderData || header->pd_lower > header->pd_upper ||
        header->pd_upper > BLCKSZ)
        return false;
    return std::all_of(original_page + header->pd_lower, original_page + header->pd_upper,
                       [](char byte) { return byte == 0; });
}

void overwrite(char *page) {
    memcpy(page + own_header, original_page + own_header, BLCKSZ - own_header);
}

// The differences only. The relation, any one, is asked for nothing but whether it is logged.
XLogRecPtr write_difference(Relation any, Buffer buffer) {
    GenericXLogState *state = GenericXLogStart(any);
    overwrite(static_cast<char *>(GenericXLogRegisterBuffer(state, buffer, 0)));
    return GenericXLogFinish(state);
}

XLogRecPtr write_whole(Buffer buffer, bool logged) {
    XLogRecPtr end = InvalidXLogRecPtr;
    START_CRIT_SECTION();
    overwrite(static_cast<char *>(BufferGetPage(buffer)));
    MarkBufferDirty(buffer);
    if (logged)
        end = log_newpage_buffer(buffer, false);
    END_CRIT_SECTION();
    return end;
}

} // namespace

void OwnRecords::add(XLogRecPtr end) {
    if (XLogRecPtrIsInvalid(end))
        return;
    if (count == capacity) {
        capacity = std::max<size_t>(64, capacity * 2);
        const Size size = sizeof(XLogRecPtr) * capacity;
        ends = static_cast<XLogRecPtr *>(ends ? repalloc(ends, size) : palloc(size));
    }
    ends[count++] = end;
}

bool OwnRecords::has(XLogRecPtr end) const {
    return std::binary_search(ends, ends + count, end);
}

BlockNumber length(const compat::FileLocator &file, ForkNumber fork) {
    SMgrRelation storage = compat::open_file(file);
    return smgrexists(storage, fork) ? smgrnblocks(storage, fork) : 0;
}

bool is_same(const FilePair &files, ForkNumber fork, BlockNumber block) {
    read_original(files, fork, block);
    const Buffer buffer = read_buffer(files.copy, fork, block, files.logged);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    const bool same = equals_original(static_cast<char *>(BufferGetPage(buffer)));
    UnlockReleaseBuffer(buffer);
    return same;
}

bool is_blank(const FilePair &files, ForkNumber fork, BlockNumber block) {
    const Buffer buffer = read_buffer(files.copy, fork, block, files.logged);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    const char *page = static_cast<char *>(BufferGetPage(buffer));
    const bool blank =
        std::all_of(page + MAXALIGN(SizeOfPageHeaderData), page + BLCKSZ, [](char byte) { return byte == 0; });
    UnlockReleaseBuffer(buffer);
    return blank;
}

Outcome put_back(const FilePair &files, ForkNumber fork, BlockNumber block, XLogRecPtr prepared_at,
                 OwnRecords *records) {
    read_original(files, fork, block);
    if (files.logged && PageGetLSN(original_page) > prepared_at)
        return Outcome::original_changed;
    Relation any = table_open(RelationRelationId, AccessShareLock);
    const Buffer buffer = read_buffer(files.copy, fork, block, files.logged);
    LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
    const bool same = equals_original(static_cast<char *>(BufferGetPage(buffer)));
    if (!same) {
        records->add(files.logged && has_clean_hole() ? write_difference(any, buffer)
                                                      : write_whole(buffer, files.logged));
    }
    UnlockReleaseBuffer(buffer);
    table_close(any, AccessShareLock);
    return same ? Outcome::same : Outcome::put_back;
}

const char *copy_row(const compat::FileLocator &file, BlockNumber block, OffsetNumber offset, char *into) {
    const Buffer buffer = read_buffer(file, MAIN_FORKNUM, block, true);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    const Page page = BufferGetPage(buffer);
    bool is_there = !PageIsNew(page) && offset >= FirstOffsetNumber && offset <= PageGetMaxOffsetNumber(page);
    if (is_there) {
        const ItemId item = PageGetItemId(page, offset);
        is_there = ItemIdIsNormal(item);
        if (is_there) {
            const auto *header = reinterpret_cast<const HeapTupleHeaderData *>(PageGetItem(page, item));
            memset(into, 0, BLCKSZ);
            memcpy(into, reinterpret_cast<const char *>(header) + header->t_hoff,
                   ItemIdGetLength(item) - header->t_hoff);
        }
    }
    UnlockReleaseBuffer(buffer);
    return is_there ? into : nullptr;
}

bool has_dead_entries(const FilePair &files, BlockNumber block) {
    const Buffer buffer = read_buffer(files.copy, MAIN_FORKNUM, block, files.logged);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    const Page page = BufferGetPage(buffer);
    // Anything unusual is worth a comparison.
    const bool dead = PageIsNew(page) || PageGetSpecialSize(page) != MAXALIGN(sizeof(BTPageOpaqueData)) ||
                      (BTPageGetOpaque(page)->btpo_flags & BTP_HAS_GARBAGE) != 0;
    UnlockReleaseBuffer(buffer);
    return dead;
}

namespace {

struct Cut {
    Relation stand_in;
    ForkNumber forks[3];
    BlockNumber before[3];
    BlockNumber after[3];
    int count;

    void add(ForkNumber fork, BlockNumber blocks) {
        forks[count] = fork;
        before[count] = smgrnblocks(RelationGetSmgr(stand_in), fork);
        after[count++] = blocks;
    }
};

// Map pages forget what lies behind the new end.
Cut prepare_cut(const Shortening &shortening) {
    Cut cut{};
    cut.stand_in = CreateFakeRelcacheEntry(shortening.files.copy);
    if (!shortening.files.logged)
        cut.stand_in->rd_rel->relpersistence = RELPERSISTENCE_UNLOGGED;
    SMgrRelation storage = RelationGetSmgr(cut.stand_in);
    cut.add(MAIN_FORKNUM, shortening.blocks);
    if (smgrexists(storage, FSM_FORKNUM)) {
        const BlockNumber blocks = FreeSpaceMapPrepareTruncateRel(cut.stand_in, shortening.blocks);
        if (BlockNumberIsValid(blocks))
            cut.add(FSM_FORKNUM, blocks);
    }
    if (smgrexists(storage, VISIBILITYMAP_FORKNUM)) {
        const BlockNumber blocks = visibilitymap_prepare_truncate(cut.stand_in, shortening.blocks);
        if (BlockNumberIsValid(blocks))
            cut.add(VISIBILITYMAP_FORKNUM, blocks);
    }
    return cut;
}

XLogRecPtr log_cut(const Shortening &shortening) {
    xl_smgr_truncate record;
    record.blkno = shortening.blocks;
    compat::locator_of(&record) = shortening.files.copy;
    record.flags = SMGR_TRUNCATE_ALL;
    XLogBeginInsert();
    XLogRegisterData(reinterpret_cast<char *>(&record), sizeof(record));
    return XLogInsert(RM_SMGR_ID, XLOG_SMGR_TRUNCATE | XLR_SPECIAL_REL_UPDATE);
}

} // namespace

void shorten(std::span<const Shortening> all, OwnRecords *records) {
    if (all.empty())
        return;
    Cut *cuts = static_cast<Cut *>(palloc(sizeof(Cut) * all.size()));
    for (size_t i = 0; i < all.size(); ++i)
        cuts[i] = prepare_cut(all[i]);
    // No memory is allocated in a critical section.
    auto *ends = static_cast<XLogRecPtr *>(palloc0(sizeof(XLogRecPtr) * all.size()));
    constexpr int delay = DELAY_CHKPT_START | DELAY_CHKPT_COMPLETE; // no checkpoint between the record and the cut
    MyProc->delayChkptFlags |= delay;
    START_CRIT_SECTION();
    XLogRecPtr end = InvalidXLogRecPtr;
    for (size_t i = 0; i < all.size(); ++i)
        if (all[i].files.logged)
            ends[i] = end = log_cut(all[i]);
    if (end != InvalidXLogRecPtr)
        XLogFlush(end);
    for (size_t i = 0; i < all.size(); ++i)
        compat::cut_file(RelationGetSmgr(cuts[i].stand_in), cuts[i].forks, cuts[i].count, cuts[i].before,
                         cuts[i].after);
    END_CRIT_SECTION();
    MyProc->delayChkptFlags &= ~delay;
    for (size_t i = 0; i < all.size(); ++i) {
        records->add(ends[i]);
        if (smgrexists(RelationGetSmgr(cuts[i].stand_in), FSM_FORKNUM))
            FreeSpaceMapVacuumRange(cuts[i].stand_in, all[i].blocks, InvalidBlockNumber);
        FreeFakeRelcacheEntry(cuts[i].stand_in);
    }
}

} // namespace dbperf::database_pool::raw_pages
