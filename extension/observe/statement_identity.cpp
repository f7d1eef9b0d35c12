// The backend's cache of identities; see the header for why it is keyed as it is.
#include "server/pg.h"

#include "observe/statement_identity.h"

#include <algorithm>
#include <array>

#include "analysis/hash.h"
#include "analysis/skeleton.h"
#include "analysis/slice.h"
#include "observe/fingerprint.h"
#include "observe/query_text.h"
#include "server/guard.h"

namespace dbperf::statement_identity {

uint32 generation = 0;

namespace {

constexpr long most_identities = 2000;
constexpr int longest_kept_text = 8192; // longer texts are looked up by skeleton each time

struct Slot {
    const char *source; // address of the whole source text; null: free
    uint64 place;       // location, length and kind in one word
    int text_length;
    int text_room;
    char *text; // copy of the statement's own part, NUL-terminated
    Occurrence occurrence;
};

std::array<Slot, 256> slots{};
HTAB *identities = nullptr;

inline uint64 place_of(int location, int length, bool is_utility) {
    return (static_cast<uint64>(static_cast<uint32>(location)) << 32 | static_cast<uint32>(length)) ^
           static_cast<uint64>(is_utility) << 63;
}

inline Slot &slot_of(const char *source, int location) {
    const auto address = reinterpret_cast<uintptr_t>(source);
    return slots[((address >> 4) + static_cast<uintptr_t>(location)) % slots.size()];
}

std::string_view statement_text(const char *source, int location, int length) {
    std::string_view text(source);
    if (location > 0 && static_cast<size_t>(location) <= text.size())
        text.remove_prefix(static_cast<size_t>(location));
    if (location >= 0 && length > 0 && static_cast<size_t>(length) <= text.size())
        text = slice(text, 0, static_cast<size_t>(length));
    return text;
}

// The trace id of a W3C traceparent ('00-<32 hex>-<16 hex>-<2 hex>') in a sqlcommenter comment.
uint64 trace_of(std::string_view comment) {
    constexpr std::string_view name = "traceparent='";
    const size_t at = comment.find(name);
    if (at == std::string_view::npos)
        return 0;
    const std::string_view value = slice(comment, at + name.size());
    const size_t first = value.find('-');
    if (first == std::string_view::npos)
        return 0;
    const size_t second = value.find('-', first + 1);
    if (second == std::string_view::npos || second - first < 17)
        return 0;
    return hash_text(slice(value, first + 1, second - first - 1)) | 1;
}

void store(const Fingerprint &fingerprint) {
    if (query_text::known(fingerprint.value) || query_text::put(fingerprint.value, fingerprint.text))
        return;
    query_text::compact(statement_table::owns_text);
    query_text::put(fingerprint.value, fingerprint.text);
}

// Finds or makes the identity of a text; null when it cannot be.
StatementIdentity *identity_of(uint64 skeleton, std::string_view text, bool is_utility) {
    if (!identities) {
        HASHCTL control{};
        control.keysize = sizeof(uint64);
        control.entrysize = sizeof(StatementIdentity);
        control.hcxt = TopMemoryContext;
        identities = hash_create("dbperf statement identities", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    }
    auto *known = static_cast<StatementIdentity *>(
        hash_search_with_hash_value(identities, &skeleton, static_cast<uint32>(skeleton), HASH_FIND, nullptr));
    if (known)
        return known;
    Fingerprint fingerprint;
    if (!fingerprint_of(text, is_utility, &fingerprint))
        return nullptr;
    if (hash_get_num_entries(identities) >= most_identities) {
        // Rare (very many shapes in one session): begin anew rather than keep an order of age on the hot path.
        hash_destroy(identities);
        identities = nullptr;
        for (Slot &slot : slots)
            slot.source = nullptr;
        ++generation;
        return identity_of(skeleton, text, is_utility);
    }
    bool found;
    auto *made = static_cast<StatementIdentity *>(
        hash_search_with_hash_value(identities, &skeleton, static_cast<uint32>(skeleton), HASH_ENTER, &found));
    memset(reinterpret_cast<char *>(made) + sizeof(uint64), 0, sizeof(StatementIdentity) - sizeof(uint64));
    made->fingerprint = fingerprint.value;
    made->is_own = fingerprint.is_own;
    if (!made->is_own)
        store(fingerprint);
    return made;
}

// Keeps a copy of the text in the slot; false when it is too long to keep.
bool keep_text(Slot &slot, std::string_view text) {
    if (text.size() > longest_kept_text)
        return false;
    const int length = static_cast<int>(text.size());
    if (slot.text_room <= length) {
        const int room = length < 240 ? 256 : length + length / 4 + 1;
        char *grown = static_cast<char *>(
            MemoryContextAllocExtended(TopMemoryContext, static_cast<Size>(room), MCXT_ALLOC_NO_OOM));
        if (!grown)
            return false;
        if (slot.text)
            pfree(slot.text);
        slot.text = grown;
        slot.text_room = room;
    }
    memcpy(slot.text, text.data(), text.size());
    slot.text[length] = '\0';
    slot.text_length = length;
    return true;
}

[[gnu::noinline]] Occurrence *resolve(Slot &slot, const char *source, int location, int length, bool is_utility) {
    if (!source)
        return nullptr;
    const std::string_view text = statement_text(source, location, length);
    // The body of a BEGIN ATOMIC function is stored as a tree: its statements have no text to know them by.
    if (text.empty())
        return nullptr;
    const Skeleton skeleton = skeleton_of(text, !standard_conforming_strings);
    // A utility statement and the query it carries have one text but are two statements.
    const uint64 hash = skeleton.hash ^ static_cast<uint64>(is_utility);
    StatementIdentity *statement = nullptr;
    if (!attempt([&] { statement = identity_of(hash, text, is_utility); }) || !statement) {
        slot.source = nullptr;
        return nullptr;
    }
    const uint64 planning = slot.occurrence.statement == statement ? slot.occurrence.planning : 0;
    slot.source = keep_text(slot, text) ? source : nullptr;
    slot.place = place_of(location, length, is_utility);
    slot.occurrence.statement = statement;
    slot.occurrence.planning = planning;
    slot.occurrence.trace = trace_of(skeleton.comment);
    slot.occurrence.constants.count = 0;
    return &slot.occurrence;
}

inline bool same_text(const Slot &slot, const char *source, int location, int length) {
    const char *text = source + std::max(location, 0);
    // Without a location the length does not count either: the text goes to the end of its source.
    return length > 0 && location >= 0 ? memcmp(slot.text, text, static_cast<size_t>(slot.text_length)) == 0
                                       : strcmp(slot.text, text) == 0;
}

} // namespace

Occurrence *of(const char *source, int location, int length, bool is_utility) {
    Slot &slot = slot_of(source, location);
    if (likely(slot.source == source && slot.place == place_of(location, length, is_utility) && source &&
               same_text(slot, source, location, length)))
        return &slot.occurrence;
    return resolve(slot, source, location, length, is_utility);
}

void on_parse(const char *source, const Query *query) {
    const bool is_utility = query->commandType == CMD_UTILITY;
    Occurrence *occurrence =
        resolve(slot_of(source, query->stmt_location), source, query->stmt_location, query->stmt_len, is_utility);
    if (!occurrence || occurrence->statement->is_own || is_utility)
        return;
    if (!attempt([=] { lookup_keys::extract(query, &occurrence->statement->keys, &occurrence->constants); }))
        occurrence->statement->keys.count = occurrence->constants.count = 0;
}

void add_planning(const char *source, int location, int length, uint64 nanoseconds) {
    if (Occurrence *occurrence = of(source, location, length, false))
        occurrence->planning += nanoseconds;
}

void store_text(const StatementIdentity &statement, const char *source, int location, int length, bool is_utility) {
    if (query_text::known(statement.fingerprint))
        return;
    Fingerprint fingerprint;
    if (fingerprint_of(statement_text(source, location, length), is_utility, &fingerprint))
        store(fingerprint);
}

} // namespace dbperf::statement_identity
