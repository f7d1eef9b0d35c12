// One arena of traces, each behind the other, and an index of them by hash.
#include "core/pg.h"

#include "deadlock_prediction/lock_trace_table.h"

#include <algorithm>
#include <array>

#include "core/guard.h"
#include "core/hash.h"
#include "core/open_index.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::deadlock_prediction::lock_trace_table {
using namespace core;

namespace {

constexpr uint32 smallest_trace = 192;
constexpr uint32 max_patterns = 4096;
constexpr uint32 max_of_a_pattern = 400;
// Cycles have at most so many members.
constexpr uint32 enough_seen = 4;

struct Pattern {
    uint64 hash; // with the run; 0: free
    uint32 traces;
    uint32 run;
};

struct Table {
    uint32 most;
    uint32 count;
    uint64 bytes_used;
    uint64 bytes_total;
    uint32 pattern_count;
    pg_atomic_uint64 dropped;
    Pattern patterns[max_patterns * 2]; // open addressing
};

Table *table = nullptr;
uint32 *offsets = nullptr; // of each trace, in units of 8 bytes
uint32 *slots = nullptr;
char *arena = nullptr;

// What this backend knows to be of no interest any more; run 0: nothing.
struct Known {
    uint64 hash;
    uint32 run;
};
std::array<Known, 128> known{};

uint64 arena_bytes() {
    return static_cast<uint64>(settings::lock_memory) * 1024;
}

uint32 max_traces() {
    return static_cast<uint32>(arena_bytes() / smallest_trace);
}

Size size() {
    Size total = MAXALIGN(sizeof(Table));
    total = add_size(total, MAXALIGN(mul_size(max_traces(), sizeof(uint32))));
    total = add_size(total, MAXALIGN(mul_size(OpenIndex::slots_for(max_traces()), sizeof(uint32))));
    return add_size(total, arena_bytes());
}

OpenIndex index() {
    return OpenIndex({slots, OpenIndex::slots_for(table->most)});
}

void clear() {
    table->count = 0;
    table->bytes_used = 0;
    table->pattern_count = 0;
    memset(static_cast<void *>(table->patterns), 0, sizeof(table->patterns));
    index().clear();
}

void attach(void *memory, bool fresh) {
    table = static_cast<Table *>(memory);
    char *next = static_cast<char *>(memory) + MAXALIGN(sizeof(Table));
    offsets = reinterpret_cast<uint32 *>(next);
    next += MAXALIGN(max_traces() * sizeof(uint32));
    slots = reinterpret_cast<uint32 *>(next);
    next += MAXALIGN(OpenIndex::slots_for(max_traces()) * sizeof(uint32));
    arena = next;
    if (!fresh)
        return;
    table->most = max_traces();
    table->bytes_total = arena_bytes();
    pg_atomic_init_u64(&table->dropped, 0);
    clear();
}

LWLock *table_lock() {
    return shared_memory::lock(shared_memory::Lock::lock_traces);
}

TraceHeader *trace(uint32 number) {
    return reinterpret_cast<TraceHeader *>(arena + static_cast<uint64>(offsets[number]) * 8);
}

pg_atomic_uint32 *seen_of(TraceHeader *header) {
    return reinterpret_cast<pg_atomic_uint32 *>(&header->seen);
}

uint64 hash_in_run(uint64 hash, uint32 run) {
    return mix_bits(hash + run) | 1;
}

TraceHeader *find(const TraceHeader &header) {
    const uint32 number = index().find(hash_in_run(header.exact, header.run), [&header](uint32 other) {
        const TraceHeader *of = trace(other);
        return of->exact == header.exact && of->run == header.run && of->database == header.database;
    });
    return number == OpenIndex::none ? nullptr : trace(number);
}

// Null when there is no room for another one.
Pattern *find_pattern(uint64 pattern, uint32 run) {
    const uint64 hash = hash_in_run(pattern, run);
    size_t at = hash % lengthof(table->patterns);
    while (table->patterns[at].hash != 0 && table->patterns[at].hash != hash)
        at = (at + 1) % lengthof(table->patterns);
    Pattern &found = table->patterns[at];
    if (found.hash == 0) {
        if (table->pattern_count == max_patterns)
            return nullptr;
        ++table->pattern_count;
        found = {hash, 0, run};
    }
    return &found;
}

void remember_known(uint64 hash, uint32 run) {
    known[hash % known.size()] = {hash, run};
}

bool knows(uint64 hash, uint32 run) {
    const Known &of = known[hash % known.size()];
    return of.hash == hash && of.run == run;
}

// Another one like it; true when it was seen often enough.
bool count_again(TraceHeader *found) {
    return pg_atomic_read_u32(seen_of(found)) >= enough_seen ||
           pg_atomic_add_fetch_u32(seen_of(found), 1) >= enough_seen;
}

template <typename T>
char *put(char *at, std::span<const T> items) {
    static_assert(sizeof(T) % 8 == 0);
    memcpy(at, items.data(), items.size_bytes());
    return at + items.size_bytes();
}

enum class Added : uint8_t { added, enough, full };

bool has_room(const TraceHeader &header) {
    return table->count < table->most && table->bytes_used + header.size <= table->bytes_total;
}

// With the lock held exclusively.
Added append(TraceHeader header, const TraceParts &parts) {
    if (TraceHeader *found = find(header)) {
        count_again(found);
        return Added::added;
    }
    Pattern *pattern = find_pattern(header.pattern, header.run);
    if (pattern && pattern->traces >= max_of_a_pattern)
        return Added::enough;
    if (!has_room(header))
        return Added::full;
    if (pattern)
        ++pattern->traces;
    const uint32 number = table->count++;
    offsets[number] = static_cast<uint32>(table->bytes_used / 8);
    table->bytes_used += header.size;
    char *at = arena + static_cast<uint64>(offsets[number]) * 8;
    memcpy(at, &header, sizeof(header));
    at = put(at + sizeof(header), parts.steps);
    at = put(at, parts.statements);
    at = put(at, parts.objects);
    memcpy(at, parts.texts.data(), parts.texts.size());
    memcpy(at + parts.texts.size(), parts.script.data(), parts.script.size());
    index().insert(hash_in_run(header.exact, header.run), number);
    return Added::added;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf lock traces", size, attach});
}

TraceParts parts_of(const char *trace) {
    const auto *header = reinterpret_cast<const TraceHeader *>(trace);
    const char *at = reinterpret_cast<const char *>(header + 1);
    TraceParts parts;
    parts.steps = {reinterpret_cast<const LockStep *>(at), header->step_count};
    at += parts.steps.size_bytes();
    parts.statements = {reinterpret_cast<const TraceStatement *>(at), header->statement_count};
    at += parts.statements.size_bytes();
    parts.objects = {reinterpret_cast<const TraceObject *>(at), header->object_count};
    at += parts.objects.size_bytes();
    parts.texts = {at, header->text_bytes};
    parts.script = {at + header->text_bytes, header->script_bytes};
    return parts;
}

bool is_known(uint32 run, uint64 exact, uint64 pattern) {
    return knows(exact, run) || knows(pattern, run);
}

void add(const TraceHeader &from, const TraceParts &parts) {
    TraceHeader header = from;
    header.size =
        static_cast<uint32>(MAXALIGN(sizeof(TraceHeader) + parts.steps.size_bytes() + parts.statements.size_bytes() +
                                     parts.objects.size_bytes() + parts.texts.size() + parts.script.size()));
    header.step_count = static_cast<uint16>(parts.steps.size());
    header.statement_count = static_cast<uint16>(parts.statements.size());
    header.object_count = static_cast<uint16>(parts.objects.size());
    header.text_bytes = static_cast<uint32>(parts.texts.size());
    header.script_bytes = static_cast<uint32>(parts.script.size());
    header.seen = 1;
    enum class Found : uint8_t { no, yes, often, full };
    const Found found = with_lock(table_lock(), LW_SHARED, [&header] {
        TraceHeader *same = find(header);
        if (same)
            return count_again(same) ? Found::often : Found::yes;
        return has_room(header) ? Found::no : Found::full;
    });
    if (found == Found::often)
        remember_known(header.exact, header.run);
    if (found == Found::yes || found == Found::often || !runs::is_open(header.run))
        return;
    switch (found == Found::full ? Added::full
                                 : with_lock(table_lock(), LW_EXCLUSIVE, [&] { return append(header, parts); })) {
    case Added::enough:
        remember_known(header.pattern, header.run);
        break;
    case Added::full:
        pg_atomic_fetch_add_u64(&table->dropped, 1);
        runs::count_lost(header.run, runs::Loss::lock_traces);
        break;
    case Added::added:
        break;
    }
}

int copy(uint32 run, StoredTrace **traces) {
    // Nothing is added to a run that is being closed, nor freed but by who asks.
    uint64 bytes = 0;
    int count = 0;
    with_lock(table_lock(), LW_SHARED, [&] {
        for (uint32 i = 0; i < table->count; ++i)
            if (trace(i)->run == run)
                bytes += trace(i)->size, ++count;
    });
    *traces = static_cast<StoredTrace *>(
        MemoryContextAllocHuge(CurrentMemoryContext, static_cast<Size>(count + 1) * sizeof(StoredTrace)));
    char *room = static_cast<char *>(MemoryContextAllocHuge(CurrentMemoryContext, bytes + 1));
    int copied = 0;
    with_lock(table_lock(), LW_SHARED, [&] {
        uint64 used = 0;
        for (uint32 i = 0; i < table->count && copied < count; ++i) {
            const TraceHeader *header = trace(i);
            if (header->run != run || used + header->size > bytes)
                continue;
            memcpy(room + used, header, header->size);
            const auto *to = reinterpret_cast<const TraceHeader *>(room + used);
            (*traces)[copied++] = {*to, parts_of(room + used)};
            used += header->size;
        }
    });
    return copied;
}

void free_run(uint32 run) {
    with_lock(table_lock(), LW_EXCLUSIVE, [run] {
        const uint32 count = table->count;
        uint64 end = 0;
        uint32 kept = 0;
        index().clear();
        for (uint32 i = 0; i < count; ++i) {
            TraceHeader *from = trace(i);
            if (from->run == run)
                continue;
            const uint32 bytes = from->size;
            memmove(arena + end, from, bytes);
            offsets[kept] = static_cast<uint32>(end / 8);
            index().insert(hash_in_run(trace(kept)->exact, trace(kept)->run), kept);
            ++kept;
            end += bytes;
        }
        table->count = kept;
        table->bytes_used = end;
        table->pattern_count = 0;
        memset(static_cast<void *>(table->patterns), 0, sizeof(table->patterns));
        for (uint32 i = 0; i < kept; ++i)
            if (Pattern *pattern = find_pattern(trace(i)->pattern, trace(i)->run))
                ++pattern->traces;
    });
}

void reset() {
    with_lock(table_lock(), LW_EXCLUSIVE, [] { clear(); });
    pg_atomic_write_u64(&table->dropped, 0);
}

State state() {
    return with_lock(table_lock(), LW_SHARED, [] {
        return State{table->bytes_used, table->bytes_total, table->count, pg_atomic_read_u64(&table->dropped)};
    });
}

} // namespace dbperf::deadlock_prediction::lock_trace_table
