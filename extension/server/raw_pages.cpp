// See the header.
#include "server/pg.h"

#include "server/raw_pages.h"

#include <algorithm>

namespace dbperf::raw_pages {
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
void write_difference(Relation any, Buffer buffer) {
    GenericXLogState *state = GenericXLogStart(any);
    overwrite(static_cast<char *>(GenericXLogRegisterBuffer(state, buffer, 0)));
    GenericXLogFinish(state);
}

void write_whole(Buffer buffer, bool logged) {
    START_CRIT_SECTION();
    overwrite(static_cast<char *>(BufferGetPage(buffer)));
    MarkBufferDirty(buffer);
    if (logged)
        log_newpage_buffer(buffer, false);
    END_CRIT_SECTION();
}

} // namespace

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

Outcome put_back(const FilePair &files, ForkNumber fork, BlockNumber block, XLogRecPtr sealed_at) {
    read_original(files, fork, block);
    if (files.logged && PageGetLSN(original_page) > sealed_at)
        return Outcome::original_changed;
    Relation any = table_open(RelationRelationId, AccessShareLock);
    const Buffer buffer = read_buffer(files.copy, fork, block, files.logged);
    LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
    const bool same = equals_original(static_cast<char *>(BufferGetPage(buffer)));
    if (!same) {
        if (files.logged && has_clean_hole())
            write_difference(any, buffer);
        else
            write_whole(buffer, files.logged);
    }
    UnlockReleaseBuffer(buffer);
    table_close(any, AccessShareLock);
    return same ? Outcome::same : Outcome::put_back;
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

void shorten(std::span<const Shortening> all) {
    if (all.empty())
        return;
    Cut *cuts = static_cast<Cut *>(palloc(sizeof(Cut) * all.size()));
    for (size_t i = 0; i < all.size(); ++i)
        cuts[i] = prepare_cut(all[i]);
    constexpr int delay = DELAY_CHKPT_START | DELAY_CHKPT_COMPLETE; // no checkpoint between the record and the cut
    MyProc->delayChkptFlags |= delay;
    START_CRIT_SECTION();
    XLogRecPtr end = InvalidXLogRecPtr;
    for (const Shortening &each : all)
        if (each.files.logged)
            end = log_cut(each);
    // With full page writes, a recovery that does not find the record still finds every page that it needs.
    if (end != InvalidXLogRecPtr && !fullPageWrites)
        XLogFlush(end);
    for (size_t i = 0; i < all.size(); ++i)
        compat::cut_file(RelationGetSmgr(cuts[i].stand_in), cuts[i].forks, cuts[i].count, cuts[i].before,
                         cuts[i].after);
    END_CRIT_SECTION();
    MyProc->delayChkptFlags &= ~delay;
    for (size_t i = 0; i < all.size(); ++i) {
        if (smgrexists(RelationGetSmgr(cuts[i].stand_in), FSM_FORKNUM))
            FreeSpaceMapVacuumRange(cuts[i].stand_in, all[i].blocks, InvalidBlockNumber);
        FreeFakeRelcacheEntry(cuts[i].stand_in);
    }
}

} // namespace dbperf::raw_pages
