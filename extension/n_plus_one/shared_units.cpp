#include "core/pg.h"

#include "n_plus_one/shared_units.h"

#include <algorithm>
#include <array>

#include "core/guard.h"
#include "core/hash.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::n_plus_one::shared_units {
using namespace core;

namespace {

constexpr uint32 max_backends = 16;

struct Entry {
    uint64 group; // 0: free
    LoopSubject subject;
    uint64 last_seen;
    uint32 backend_count;
    std::array<int, max_backends> backends;
    std::array<uint32, max_backends> serials; // of the unit of work in which each of them took part last
    uint32 occurrences;                       // times that somebody entered the unit of work and took part
    bool is_named;                            // by a name, which others may use at the same time, not by a trace id
    finding_table::Handle handle;
    RepeatedLookup lookup;
};

Entry *entries = nullptr;

uint32 most() {
    return static_cast<uint32>(settings::max_units);
}

Size size() {
    return mul_size(most(), sizeof(Entry));
}

void attach(void *memory, bool fresh) {
    entries = static_cast<Entry *>(memory);
    if (fresh)
        memset(memory, 0, size());
}

// Few places to look at: bounded, and a full neighbourhood forgets its oldest.
constexpr uint32 ways = 8;

// Parts of at least two neighbourhoods; what is left over at the end belongs to none.
uint32 parts() {
    return std::clamp<uint32>(most() / (2 * ways), 1, shared_memory::unit_parts);
}

uint32 part_size() {
    return most() / parts();
}

LWLock *lock_of(const Entry &entry) {
    return shared_memory::lock(shared_memory::Lock::units, static_cast<uint32>(&entry - entries) / part_size());
}

uint32 threshold() {
    return static_cast<uint32>(settings::n_plus_one_threshold);
}

// All places where a loop can be are in one part.
Entry &place_of(uint64 group, uint64 statement, uint32 way) {
    const uint64 hash = mix_bits(group ^ statement);
    const uint32 size = part_size();
    return entries[hash % parts() * size + ((hash >> 32) + way) % size];
}

LWLock *lock_of(uint64 group, uint64 statement) {
    return lock_of(place_of(group, statement, 0));
}

Entry *find(uint64 group, uint64 statement) {
    for (uint32 way = 0; way < ways; ++way) {
        Entry &entry = place_of(group, statement, way);
        if (entry.group == group && entry.lookup.statement == statement)
            return &entry;
    }
    return nullptr;
}

void add_backend(Entry &entry, uint32 serial) {
    const uint32 known = std::min(entry.backend_count, max_backends);
    for (uint32 i = 0; i < known; ++i)
        if (entry.backends[i] == MyProcPid) {
            entry.occurrences += entry.serials[i] != serial;
            entry.serials[i] = serial;
            return;
        }
    if (entry.backend_count < max_backends) {
        entry.backends[entry.backend_count] = MyProcPid;
        entry.serials[entry.backend_count] = serial;
    }
    ++entry.backend_count;
    ++entry.occurrences;
}

// One call in each of many occurrences: requests that go on at the same time under the name of their route, and of
// which none repeats anything.
bool is_no_loop(const Entry &entry, const LookupReport &report) {
    return entry.is_named && entry.backend_count > 1 && report.edge < 0 && report.loop < 2 * uint64{entry.occurrences};
}

// A copy to be reported without the lock. One per process: reporting does not nest.
struct PendingReport {
    LookupReport report;
    Entry entry;
};
PendingReport pending;

// With the lock held. True when there is something to report.
bool take_report(Entry &entry, bool is_last) {
    // A loop of one connection is that connection's to report.
    if (entry.subject.unit == UnitKind::pool && entry.backend_count < 2)
        return false;
    pending.report = entry.lookup.report(is_last);
    if (pending.report.confidence == Confidence::none)
        return false;
    if (pending.report.confidence == Confidence::likely && is_no_loop(entry, pending.report))
        pending.report.confidence = Confidence::possible;
    pending.entry = entry;
    return true;
}

void report_entry(Entry *entry) {
    const Entry &copy = pending.entry;
    finding_table::Handle handle = copy.handle;
    loop_finding::report(copy.subject, copy.lookup, pending.report,
                         {copy.backends.data(), std::min(copy.backend_count, max_backends)}, &handle);
    with_lock(lock_of(*entry), LW_EXCLUSIVE, [entry, handle] {
        if (entry->group == pending.entry.group && entry->lookup.statement == pending.entry.lookup.statement)
            entry->handle = handle;
    });
}

// Looks one edge up in the schema, without the lock; false when none is left that can be looked up from here.
bool relate_next(Entry *entry, uint64 group, uint64 statement) {
    LoopSubject subject;
    LookupEdge edge;
    int undecided = -1;
    const auto same_loop = [=] { return entry->group == group && entry->lookup.statement == statement; };
    with_lock(lock_of(*entry), LW_EXCLUSIVE, [&] {
        if (!same_loop() || entry->subject.database != MyDatabaseId || (undecided = entry->lookup.undecided_edge()) < 0)
            return;
        subject = entry->subject;
        edge = entry->lookup.edges[static_cast<size_t>(undecided)];
    });
    if (undecided < 0)
        return false;
    const Relation relation = loop_finding::relation_of(subject, edge);
    with_lock(lock_of(*entry), LW_EXCLUSIVE, [&] {
        LookupEdge &now = entry->lookup.edges[static_cast<size_t>(undecided)];
        if (same_loop() && is_same_column(now, edge))
            now.related = relation;
    });
    return true;
}

// The parts of a column that other statements of the unit of work look up; each entry is locked by itself.
void look_elsewhere(Entry *entry, uint64 group, uint64 statement) {
    static LookupEdge edge; // much for the stack, and reporting does not nest
    for (int number = 0; number < RepeatedLookup::max_edges; ++number) {
        const auto at = static_cast<size_t>(number);
        bool wanted = false;
        with_lock(lock_of(*entry), LW_SHARED, [&] {
            const RepeatedLookup &lookup = entry->lookup;
            wanted = entry->group == group && lookup.statement == statement && number < lookup.edge_count &&
                     lookup.wants_others(lookup.edges[at]);
            if (wanted)
                edge = lookup.edges[at];
        });
        if (!wanted)
            continue;
        RepeatedLookup::Rows met{};
        for (uint32 i = 0; i < part_size() * parts(); ++i) {
            const Entry &other = entries[i];
            if (other.group == group && &other != entry)
                with_lock(lock_of(other), LW_SHARED, [&other, group, &met] {
                    if (other.group == group)
                        other.lookup.add_rows(edge, &met);
                });
        }
        with_lock(lock_of(*entry), LW_EXCLUSIVE, [&] {
            LookupEdge &now = entry->lookup.edges[at];
            if (entry->group == group && entry->lookup.statement == statement && now.serial == edge.serial &&
                is_same_column(now, edge))
                now.elsewhere = rows_elsewhere(now, met);
        });
    }
}

Entry *begin(uint64 group, uint64 statement, const LoopSubject &subject, uint64 now) {
    Entry *chosen = nullptr;
    for (uint32 way = 0; way < ways; ++way) {
        Entry &entry = place_of(group, statement, way);
        if (entry.group == 0) {
            chosen = &entry;
            break;
        }
        if (!chosen || entry.last_seen < chosen->last_seen)
            chosen = &entry;
    }
    chosen->group = group;
    chosen->subject = subject;
    chosen->last_seen = now;
    chosen->backend_count = 0;
    chosen->occurrences = 0;
    chosen->handle = {0, 0};
    chosen->lookup.begin_again(statement, threshold(), subject.unit);
    return chosen;
}

// The oldest that would have to give way, if it has something left to report.
Entry *victim(uint64 group, uint64 statement) {
    Entry *oldest = nullptr;
    for (uint32 way = 0; way < ways; ++way) {
        Entry &entry = place_of(group, statement, way);
        if (entry.group == 0)
            return nullptr;
        if (!oldest || entry.last_seen < oldest->last_seen)
            oldest = &entry;
    }
    return oldest;
}

void count(Entry &entry, const Addition &addition) {
    RepeatedLookup &lookup = entry.lookup;
    for (size_t i = 0; i < addition.origin_count; ++i)
        lookup.trace(addition.origins[i]);
    entry.subject.variation.note(addition.values);
    // Connections that wait side by side: only what passed between two calls of the loop.
    const uint64 since = addition.began - std::min(addition.began, entry.last_seen);
    lookup.count(addition.exec, lookup.work.calls == 0 ? addition.wait : std::min(addition.wait, since));
    // The line that does it so often is the loop's; the first execution may have been of another.
    if (addition.comment && lookup.work.calls <= threshold())
        strlcpy(entry.subject.comment, addition.comment, sizeof(entry.subject.comment));
    if (addition.key != 0 && lookup.add_key(addition.key) == Novelty::repeated && addition.may_be_redundant)
        lookup.add_repeat(addition.key, addition.all_parameters);
    entry.last_seen = std::max(entry.last_seen, addition.ended); // others may have come first
}

// The rest of those for which `is_wanted` is true.
template <typename Wanted>
void visit(bool forget, const Wanted &is_wanted) {
    const uint32 count = part_size() * parts();
    // What one of them amounts to depends on the others: before any is forgotten.
    for (uint32 i = 0; i < count; ++i) {
        Entry &entry = entries[i];
        const uint64 group = entry.group;
        const uint64 statement = entry.lookup.statement;
        if (group == 0 || !is_wanted(entry))
            continue;
        // Its own session may be about to look this up.
        for (int tries = 0; tries < RepeatedLookup::max_edges && relate_next(&entry, group, statement);)
            ++tries;
        look_elsewhere(&entry, group, statement);
    }
    for (uint32 i = 0; i < count; ++i) {
        Entry &entry = entries[i];
        if (entry.group == 0 || !is_wanted(entry))
            continue;
        // The rest of one batch may come before that of the next.
        const auto take_next = [&entry, forget, &is_wanted] {
            if (entry.group == 0 || !is_wanted(entry))
                return false;
            const bool any = take_report(entry, true);
            if (!any && forget)
                entry.group = 0;
            return any;
        };
        while (with_lock(lock_of(entry), LW_EXCLUSIVE, take_next))
            report_entry(&entry);
    }
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf units of work", size, attach});
}

Outcome observe(uint64 group, uint64 statement, const LoopSubject &subject, const Addition &addition) {
    Entry *entry = nullptr;
    bool due = false;
    bool undecided = false;
    bool several = false;
    LWLock *lock = lock_of(group, statement);
    const auto add = [&] {
        if (!entry)
            entry = begin(group, statement, subject, addition.ended);
        entry->is_named = addition.is_named;
        add_backend(*entry, addition.serial);
        count(*entry, addition);
        several = entry->backend_count > 1;
        undecided = entry->lookup.undecided_edge() >= 0;
        if (!undecided && entry->lookup.work.calls >= entry->lookup.next_check)
            due = take_report(*entry, false);
    };
    // What is over, after a pause, and who gives way report their rest first, without the lock.
    Entry *left = nullptr;
    const auto make_room = [&] {
        entry = find(group, statement);
        left = entry;
        if (!entry) {
            left = victim(group, statement);
        } else if (entry->subject.run != subject.run) {
            entry->group = 0;
            entry = left = nullptr;
        } else if (subject.unit != UnitKind::pool || addition.began <= entry->last_seen + addition.gap) {
            left = nullptr;
        }
        if (left && take_report(*left, true))
            return true;
        if (entry && left == entry) {
            entry->group = 0;
            entry = nullptr;
        }
        add();
        return false;
    };
    while (with_lock(lock, LW_EXCLUSIVE, make_room))
        report_entry(left);
    if (undecided && relate_next(entry, group, statement))
        due = with_lock(lock, LW_EXCLUSIVE, [&] {
            return entry->group == group && entry->lookup.statement == statement && take_report(*entry, false);
        });
    if (due)
        report_entry(entry);
    return {several};
}

bool claim(uint64 group, uint64 statement) {
    return with_lock(lock_of(group, statement), LW_EXCLUSIVE, [=] {
        Entry *entry = find(group, statement);
        if (!entry)
            return true;
        if (entry->backend_count > 1)
            return false;
        // All of it is reported by its own connection.
        entry->lookup.skip_report();
        return true;
    });
}

void forget_repeats(uint64 group, uint64 statement) {
    with_lock(lock_of(group, statement), LW_EXCLUSIVE, [=] {
        if (Entry *entry = find(group, statement))
            entry->lookup.forget_repeats();
    });
}

void end(uint64 group) {
    visit(true, [group](const Entry &entry) { return entry.group == group; });
}

void report_all() {
    visit(false, [](const Entry &) { return true; });
}

void report_unit(uint64 name) {
    visit(false, [name](const Entry &entry) {
        return entry.subject.unit_name == name && entry.subject.database == MyDatabaseId;
    });
}

void reset() {
    const uint32 each = part_size();
    for (uint32 part = 0; part < parts(); ++part)
        with_lock(shared_memory::lock(shared_memory::Lock::units, part), LW_EXCLUSIVE,
                  [part, each] { memset(static_cast<void *>(entries + part * each), 0, each * sizeof(Entry)); });
}

} // namespace dbperf::n_plus_one::shared_units
