// The text arena; see the header for its contract.
#include "core/pg.h"

#include "statements/query_text.h"

#include <algorithm>

#include "core/guard.h"
#include "core/open_index.h"
#include "core/settings.h"
#include "core/shared_memory.h"

namespace dbperf::statements::query_text {
using namespace core;

namespace {

struct TextEntry {
    uint64 key;
    uint32 offset;
    uint32 length;
    int32 encoding;
    uint32 live; // only while the arena is compacted
};

struct Arena {
    uint32 count;
    uint32 most;
    uint32 slots;
    uint32 kept;  // texts that the last compaction left
    uint32 freed; // owners that had gone by then
    uint64 used;
    uint64 capacity;
    uint64 compactions;
    pg_atomic_uint64 dropped;
};

Arena *arena = nullptr;
TextEntry *entries = nullptr;
uint32 *slots = nullptr;
char *bytes = nullptr;

uint32 max_texts() {
    return static_cast<uint32>(settings::max_statements) * 2;
}

Size size() {
    Size total = MAXALIGN(sizeof(Arena));
    total = add_size(total, mul_size(max_texts(), sizeof(TextEntry)));
    total = add_size(total, mul_size(OpenIndex::slots_for(max_texts()), sizeof(uint32)));
    return add_size(total, mul_size(static_cast<Size>(settings::text_memory), 1024));
}

void attach(void *memory, bool fresh) {
    char *at = static_cast<char *>(memory);
    arena = reinterpret_cast<Arena *>(at);
    at += MAXALIGN(sizeof(Arena));
    entries = reinterpret_cast<TextEntry *>(at);
    at += max_texts() * sizeof(TextEntry);
    slots = reinterpret_cast<uint32 *>(at);
    at += OpenIndex::slots_for(max_texts()) * sizeof(uint32);
    bytes = at;
    if (!fresh)
        return;
    memset(static_cast<void *>(arena), 0, sizeof(Arena));
    pg_atomic_init_u64(&arena->dropped, 0);
    arena->most = max_texts();
    arena->slots = OpenIndex::slots_for(max_texts());
    arena->capacity = static_cast<uint64>(settings::text_memory) * 1024;
    memset(slots, 0, arena->slots * sizeof(uint32));
}

LWLock *text_lock() {
    return shared_memory::lock(shared_memory::Lock::texts);
}

OpenIndex index() {
    return OpenIndex({slots, arena->slots});
}

uint32 find(uint64 key) {
    return index().find(key, [key](uint32 entry) { return entries[entry].key == key; });
}

bool has_room(size_t length) {
    return arena->count < arena->most && arena->used + length <= arena->capacity;
}

// With the lock held exclusively.
void keep_live() {
    // Entries lie in the arena in the order of their numbers, so one pass moves everything down.
    uint32 kept = 0;
    uint64 used = 0;
    for (uint32 i = 0; i < arena->count; ++i) {
        TextEntry entry = entries[i];
        if (entry.live == 0)
            continue;
        entry.live = 0;
        memmove(bytes + used, bytes + entry.offset, entry.length);
        entry.offset = static_cast<uint32>(used);
        used += entry.length;
        entries[kept++] = entry;
    }
    arena->kept = kept;
    if (kept == arena->count)
        return;
    arena->count = kept;
    arena->used = used;
    index().clear();
    for (uint32 i = 0; i < kept; ++i)
        index().insert(entries[i].key, i);
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf query texts", size, attach});
}

bool known(uint64 key) {
    return with_lock(text_lock(), LW_SHARED, [key] { return find(key) != OpenIndex::none; });
}

bool known_or_crowded(uint64 key) {
    return with_lock(text_lock(), LW_SHARED, [key] {
        return find(key) != OpenIndex::none || !has_room(static_cast<size_t>(settings::max_query_length));
    });
}

bool put(uint64 key, std::string_view text) {
    enum class Found : uint8_t { known, room, full };
    const Found found = with_lock(text_lock(), LW_SHARED, [=] {
        return find(key) != OpenIndex::none ? Found::known : has_room(text.size()) ? Found::room : Found::full;
    });
    if (found != Found::room)
        return found == Found::known;
    const int encoding = GetDatabaseEncoding();
    return with_lock(text_lock(), LW_EXCLUSIVE, [=] {
        if (find(key) != OpenIndex::none)
            return true;
        if (!has_room(text.size()))
            return false;
        TextEntry &entry = entries[arena->count];
        entry.key = key;
        entry.offset = static_cast<uint32>(arena->used);
        entry.length = static_cast<uint32>(text.size());
        entry.encoding = encoding;
        entry.live = 0;
        memcpy(bytes + arena->used, text.data(), text.size());
        arena->used += text.size();
        index().insert(key, arena->count++);
        return true;
    });
}

void count_dropped() {
    pg_atomic_fetch_add_u64(&arena->dropped, 1);
}

char *get(uint64 key) {
    // The copy target is allocated before the lock: palloc may raise.
    char *copy = static_cast<char *>(palloc(static_cast<Size>(settings::max_query_length) + 1));
    int length = 0;
    int encoding = 0;
    bool cut = false;
    const bool found = with_lock(text_lock(), LW_SHARED, [=, &length, &encoding, &cut] {
        const uint32 number = find(key);
        if (number == OpenIndex::none)
            return false;
        const TextEntry &entry = entries[number];
        length = static_cast<int>(std::min(entry.length, static_cast<uint32>(settings::max_query_length)));
        encoding = entry.encoding;
        cut = static_cast<uint32>(length) < entry.length;
        memcpy(copy, bytes + entry.offset, static_cast<Size>(length));
        copy[length] = '\0';
        return true;
    });
    if (!found) {
        pfree(copy);
        return nullptr;
    }
    if (cut) {
        length = pg_encoding_mbcliplen(encoding, copy, length, length);
        copy[length] = '\0';
    }
    return encoding == GetDatabaseEncoding() ? copy : to_this_encoding(copy, static_cast<size_t>(length), encoding);
}

char *to_this_encoding(const char *text, size_t length, int encoding) {
    char *copy = pnstrdup(text, length);
    if (std::all_of(copy, copy + length, [](char c) { return !IS_HIGHBIT_SET(c); }))
        return copy;
    char *volatile converted = nullptr;
    if (catch_errors([copy, length, encoding, &converted] {
            converted = pg_any_to_server(copy, static_cast<int>(length), encoding);
        }))
        return converted;
    std::replace_if(
        copy, copy + length, [](char c) { return IS_HIGHBIT_SET(c); }, '?');
    return copy;
}

char *of_database(const char *text, Oid database) {
    int encoding = PG_SQL_ASCII;
    HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
    if (HeapTupleIsValid(tuple)) {
        encoding = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->encoding;
        ReleaseSysCache(tuple);
    }
    return to_this_encoding(text, strlen(text), encoding);
}

bool worth_compacting(uint32 freed) {
    return with_lock(text_lock(), LW_SHARED, [freed] {
        const uint32 changed = (arena->count - arena->kept) + (freed - arena->freed);
        return changed > 0 && changed >= arena->count / 20;
    });
}

void compact(uint32 freed, void (*visit_live)(void (*mark)(uint64 key))) {
    with_lock(text_lock(), LW_EXCLUSIVE, [freed, visit_live] {
        visit_live([](uint64 key) {
            if (const uint32 number = find(key); number != OpenIndex::none)
                entries[number].live = 1;
        });
        arena->freed = freed;
        ++arena->compactions;
        keep_live();
    });
}

void reset() {
    with_lock(text_lock(), LW_EXCLUSIVE, keep_live);
    pg_atomic_write_u64(&arena->dropped, 0);
}

State state() {
    return with_lock(text_lock(), LW_SHARED, [] {
        return State{arena->used, arena->capacity, arena->count, pg_atomic_read_u64(&arena->dropped),
                     arena->compactions};
    });
}

} // namespace dbperf::statements::query_text
