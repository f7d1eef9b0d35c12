#include "core/pg.h"

#include "database_pool/reset_copy.h"

#include <algorithm>
#include <span>

#include "core/settings.h"
#include "database_pool/copy_writes.h"
#include "database_pool/file_map.h"
#include "database_pool/raw_pages.h"
#include "database_pool/write_ahead_log.h"

namespace dbperf::database_pool::reset_copy {
using namespace core;

namespace {

constexpr int lock_attempts = 50;
constexpr long lock_pause = 10000; // us
constexpr int max_rounds = 5;

struct Work {
    const Subject &subject;
    std::span<const MappedFile> map;
    bool connected;
    uint32 pages;
    raw_pages::OwnRecords own;
    ResetReason failure;

    raw_pages::FilePair pair(const MappedFile &file) const {
        return {compat::file_locator(file.space, subject.database, file.file),
                compat::file_locator(file.space, subject.original, file.file), !file.unlogged};
    }
    bool fail(ResetReason reason) {
        failure = reason;
        return false;
    }
};

// Stays attached for as long as the session works with copies of one template.
std::span<const MappedFile> attach_map(const Subject &subject) {
    static dsm_segment *attached = nullptr;
    if (!subject.in_place)
        return {};
    if (attached && dsm_segment_handle(attached) != subject.map) {
        dsm_detach(attached);
        attached = nullptr;
    }
    if (!attached) {
        attached = dsm_attach(subject.map);
        if (!attached)
            return {};
        dsm_pin_mapping(attached);
    }
    return {static_cast<const MappedFile *>(dsm_segment_address(attached)), subject.file_count};
}

bool is_in_use_here(Oid table) {
    Relation relation = RelationIdGetRelation(table);
    if (!relation)
        return false;
    const bool used = relation->rd_refcnt > 1;
    RelationClose(relation);
    return used;
}

bool lock_table(Work *work, Oid table) {
    LOCKTAG tag;
    SET_LOCKTAG_RELATION(tag, work->subject.database, table);
    if (compat::holds_lock(tag) && is_in_use_here(table))
        ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
                errmsg("cannot reset \"%s\" while a query of this session reads it", get_rel_name(table)),
                errhint("Close the cursor, or end the loop, around dbperf.reset_database()."));
    for (int attempt = 0; attempt < lock_attempts; ++attempt) {
        if (LockAcquire(&tag, AccessExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
            return true;
        CHECK_FOR_INTERRUPTS();
        pg_usleep(lock_pause);
    }
    return work->fail(ResetReason::locked);
}

bool put_back_page(Work *work, const raw_pages::FilePair &files, ForkNumber fork, BlockNumber block) {
    switch (raw_pages::put_back(files, fork, block, work->subject.prepared_at, &work->own)) {
    case raw_pages::Outcome::original_changed:
        return work->fail(ResetReason::template_changed);
    case raw_pages::Outcome::put_back:
        ++work->pages;
        break;
    case raw_pages::Outcome::same:
        break;
    }
    return true;
}

// Its bits may be cleared without a word in the log. Those that a VACUUM set on what the template does not have would
// outlive the rows they are about.
bool put_back_visibility(Work *work, const raw_pages::FilePair &files) {
    const BlockNumber original = raw_pages::length(files.original, VISIBILITYMAP_FORKNUM);
    const BlockNumber copy = raw_pages::length(files.copy, VISIBILITYMAP_FORKNUM);
    for (BlockNumber block = 0; block < copy; ++block) {
        if (block < original) {
            if (!put_back_page(work, files, VISIBILITYMAP_FORKNUM, block))
                return false;
        } else if (!raw_pages::is_blank(files, VISIBILITYMAP_FORKNUM, block)) {
            return work->fail(ResetReason::shortened);
        }
    }
    return true;
}

// Other sessions, those on a standby too, remember where the root of an index is. They are notified at once: what is
// put back stays so, whatever becomes of this transaction.
void forget_root(const Work &work, const MappedFile &file) {
    if (file.kind == FileKind::table || file.kind == FileKind::sequence)
        return;
    SharedInvalidationMessage message;
    memset(&message, 0, sizeof(message));
    message.rc.id = SHAREDINVALRELCACHE_ID;
    message.rc.dbId = work.subject.database;
    message.rc.relId = file.relation;
    SendSharedInvalidMessages(&message, 1);
    if (XLogStandbyInfoActive())
        LogStandbyInvalidations(1, &message, false);
}

// A scan marks entries of rows that it finds dead, without a word in the log; put back, those rows are alive.
bool revive_entries(Work *work, const MappedFile &index) {
    const raw_pages::FilePair files = work->pair(index);
    const BlockNumber length = raw_pages::length(files.original, MAIN_FORKNUM);
    for (BlockNumber block = 0; block < length; ++block)
        if ((index.kind != FileKind::btree || raw_pages::has_dead_entries(files, block)) &&
            !put_back_page(work, files, MAIN_FORKNUM, block))
            return false;
    return true;
}

// Calls body with the file and its pages, for each file.
template <typename Body>
bool for_each_file(Work *work, std::span<const WrittenPage> pages, Body body) {
    while (!pages.empty()) {
        size_t count = 1;
        while (count < pages.size() && pages[count].file == pages[0].file && pages[count].space == pages[0].space)
            ++count;
        const MappedFile *file = find_file(work->map, pages[0].space, pages[0].file);
        if (!file)
            return work->fail(ResetReason::catalogs);
        if (!body(*file, pages.first(count)))
            return false;
        pages = pages.subspan(count);
    }
    return true;
}

// All files that have grown are cut at once.
bool shorten_all(Work *work, std::span<const WrittenPage> pages) {
    auto *grown = static_cast<raw_pages::Shortening *>(palloc(sizeof(raw_pages::Shortening) * (pages.size() + 1)));
    size_t count = 0;
    const bool done = for_each_file(work, pages, [=, &count](const MappedFile &file, std::span<const WrittenPage>) {
        const raw_pages::FilePair files = work->pair(file);
        const BlockNumber original = raw_pages::length(files.original, MAIN_FORKNUM);
        const BlockNumber copy = raw_pages::length(files.copy, MAIN_FORKNUM);
        if (copy < original)
            return work->fail(ResetReason::shortened);
        if (copy > original) {
            grown[count++] = {files, original};
            forget_root(*work, file);
        }
        return true;
    });
    if (done)
        raw_pages::shorten({grown, count}, &work->own);
    return done;
}

// The pages are those of one file.
bool put_back_file(Work *work, const MappedFile &file, std::span<const WrittenPage> pages) {
    const raw_pages::FilePair files = work->pair(file);
    const BlockNumber original = raw_pages::length(files.original, MAIN_FORKNUM);
    bool ends_rows = false;
    for (const WrittenPage &page : pages) {
        ends_rows = ends_rows || page.ends_rows;
        if (page.block < original && !put_back_page(work, files, MAIN_FORKNUM, page.block))
            return false;
    }
    if (pages.front().block == 0)
        forget_root(*work, file);
    if (file.kind == FileKind::table && !put_back_visibility(work, files))
        return false;
    bool done = true;
    if (ends_rows)
        visit_indexes(work->map, file,
                      [work, &done](const MappedFile &index) { done = done && revive_entries(work, index); });
    return done;
}

// It is in no log: all of its pages are looked at.
bool put_back_unlogged(Work *work, const MappedFile &file) {
    const raw_pages::FilePair files = work->pair(file);
    const BlockNumber original = raw_pages::length(files.original, MAIN_FORKNUM);
    const BlockNumber copy = raw_pages::length(files.copy, MAIN_FORKNUM);
    if (copy < original)
        return work->fail(ResetReason::shortened);
    bool differs = copy > original;
    for (BlockNumber block = 0; block < original && !differs; ++block)
        differs = !raw_pages::is_same(files, MAIN_FORKNUM, block);
    if (!differs)
        return true;
    if (work->connected && !lock_table(work, file.table))
        return false;
    if (copy > original) {
        const raw_pages::Shortening shortening{files, original};
        raw_pages::shorten({&shortening, 1}, &work->own);
    }
    for (BlockNumber block = 0; block < original; ++block)
        if (!put_back_page(work, files, MAIN_FORKNUM, block))
            return false;
    forget_root(*work, file);
    return file.kind != FileKind::table || put_back_visibility(work, files);
}

bool put_back_written(Work *work, std::span<const WrittenPage> pages) {
    if (!shorten_all(work, pages) ||
        !for_each_file(work, pages, [work](const MappedFile &file, std::span<const WrittenPage> own) {
            return put_back_file(work, file, own);
        }))
        return false;
    for (const MappedFile &file : work->map)
        if (file.unlogged && !put_back_unlogged(work, file))
            return false;
    return true;
}

bool put_back_all(Work *work, std::span<const WrittenPage> pages) {
    if (work->connected && !for_each_file(work, pages, [work](const MappedFile &file, std::span<const WrittenPage>) {
            return lock_table(work, file.table);
        }))
        return false;
    // From here to the end nobody interrupts: half of it would be worse than none; it takes milliseconds.
    HOLD_INTERRUPTS();
    const bool done = put_back_written(work, pages);
    RESUME_INTERRUPTS();
    return done;
}

// dbperf.verify: every page of every file, whatever the log said.
bool verify(Work *work) {
    for (const MappedFile &file : work->map) {
        const raw_pages::FilePair files = work->pair(file);
        const BlockNumber original = raw_pages::length(files.original, MAIN_FORKNUM);
        bool same = original == raw_pages::length(files.copy, MAIN_FORKNUM);
        BlockNumber block = 0;
        for (; block < original && same; ++block)
            same = raw_pages::is_same(files, MAIN_FORKNUM, block);
        if (same)
            continue;
        ereport(WARNING, errcode(ERRCODE_DATA_CORRUPTED),
                errmsg("relation %u of the database %u differs from its template in block %u after it was put back",
                       file.relation, work->subject.database, block == 0 ? 0 : block - 1),
                errhint("Please report this; the database is not used any more."));
        return work->fail(ResetReason::differs);
    }
    return true;
}

copy_writes::Found find(const Work &work, const Writes &known, XLogRecPtr since) {
    return copy_writes::find({work.subject.database, work.subject.original, since, work.map, work.own, known});
}

// What is in no log. The template cannot be dropped from here to the end of the transaction.
Writes look_at_databases(const Subject &subject) {
    Writes writes{};
    const DatabaseState now = database_state::of(subject.database);
    writes.is_gone = !now.exists;
    writes.properties_changed = now.properties != subject.state.properties;
    writes.has_subscriptions = now.subscriptions != subject.state.subscriptions;
    writes.has_slots = now.slots != subject.state.slots;
    LockSharedObject(DatabaseRelationId, subject.original, 0, AccessShareLock);
    writes.template_is_gone = !SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(subject.original));
    writes.template_changed = subject.original_changed;
    writes.saw_schema_statement = (subject.seen & seen_schema) != 0;
    writes.saw_maintenance = (subject.seen & seen_maintenance) != 0;
    return writes;
}

// Others may write meanwhile: done when the log, read again to its end, names nothing but the pages that were put back.
// That reading has also brought to disk that they were.
bool put_back_until_quiet(Work *work, const Writes &known, Result *result) {
    XLogRecPtr since = work->subject.clean_since;
    for (int round = 0; round < max_rounds; ++round) {
        const copy_writes::Found found = find(*work, known, since);
        result->decision = decide_reset(found.writes);
        if (result->decision.kind == ResetKind::copy)
            return false;
        since = result->clean_since = found.end;
        if (round > 0 && found.writes.pages == 0)
            return true;
        const size_t before = work->own.count;
        if (!put_back_all(work, found.all()))
            return false;
        if (work->own.count == before)
            return true;
    }
    return work->fail(ResetReason::busy);
}

Result run(const Subject &subject, bool connected) {
    Result result{};
    Writes known = look_at_databases(subject);
    if (known.is_gone || known.template_is_gone) {
        result.decision = decide_reset(known);
        return result;
    }
    Work work{subject, attach_map(subject), connected, 0, {}, ResetReason::none};
    known.map_is_missing = work.map.empty();
    bool done = put_back_until_quiet(&work, known, &result);
    if (done && subject.verify) {
        done = verify(&work);
        result.verified = true;
    }
    result.pages = work.pages;
    if (!done && work.failure != ResetReason::none)
        result.decision = {ResetKind::copy, work.failure};
    else if (done)
        result.decision = {work.pages > 0 ? ResetKind::pages : ResetKind::clean, ResetReason::none};
    return result;
}

} // namespace

Subject subject_of(const Copy &copy) {
    const Template &original = template_of(copy);
    return {copy.database,     copy.state_when_made,
            copy.clean_since,  pg_atomic_read_u32(const_cast<pg_atomic_uint32 *>(&copy.seen)),
            original.database, original.prepared_at,
            original.map,      original.file_count,
            original.in_place, original.is_changed && !original.is_made_here,
            settings::verify};
}

void visit_written(const Subject &subject, void (*visit)(Oid, uint32, void *), void *argument) {
    Work work{subject, attach_map(subject), true, 0, {}, ResetReason::none};
    const copy_writes::Found found = find(work, {}, subject.clean_since);
    for_each_file(&work, found.all(), [=](const MappedFile &file, std::span<const WrittenPage> pages) {
        visit(file.relation, static_cast<uint32>(pages.size()), argument);
        return true;
    });
}

Result run_connected(const Subject &subject) {
    return run(subject, true);
}

Result run_alone(const Subject &subject) {
    return run(subject, false);
}

} // namespace dbperf::database_pool::reset_copy
