// The backend's cache of identities; see the header for why it is keyed as it is.
#include "server/pg.h"

#include "observe/statement_identity.h"

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

struct IdentityKey {
    uint64 query_id;
    uint64 skeleton;
};

struct Slot {
    uint64 query_id;
    const char *source;
    int location;
    Occurrence occurrence;
};

std::array<Slot, 256> slots{};
HTAB *identities = nullptr;

Slot &slot_of(uint64 query_id) {
    return slots[(query_id ^ (query_id >> 29)) % slots.size()];
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
StatementIdentity *identity_of(uint64 query_id, uint64 skeleton, std::string_view text, bool is_utility) {
    if (!identities) {
        HASHCTL control{};
        control.keysize = sizeof(IdentityKey);
        control.entrysize = sizeof(StatementIdentity);
        control.hcxt = TopMemoryContext;
        identities = hash_create("dbperf statement identities", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    }
    const IdentityKey key{query_id, skeleton};
    auto *known = static_cast<StatementIdentity *>(hash_search(identities, &key, HASH_FIND, nullptr));
    if (known)
        return known;
    Fingerprint fingerprint;
    if (!fingerprint_of(text, is_utility, &fingerprint))
        return nullptr;
    if (hash_get_num_entries(identities) >= most_identities) {
        // Rare (very many shapes in one session): begin anew rather than keep an order of age on the hot path.
        hash_destroy(identities);
        identities = nullptr;
        slots.fill(Slot{});
        ++generation;
        return identity_of(query_id, skeleton, text, is_utility);
    }
    bool found;
    auto *made = static_cast<StatementIdentity *>(hash_search(identities, &key, HASH_ENTER, &found));
    memset(reinterpret_cast<char *>(made) + sizeof(IdentityKey), 0, sizeof(StatementIdentity) - sizeof(IdentityKey));
    made->fingerprint = fingerprint.value;
    made->is_own = fingerprint.is_own;
    if (!made->is_own)
        store(fingerprint);
    return made;
}

// Points the query id's slot to this text.
Occurrence *resolve(Slot &slot, const char *source, int location, int length, uint64 query_id, bool is_utility) {
    if (!source)
        return nullptr;
    const std::string_view text = statement_text(source, location, length);
    const Skeleton skeleton = skeleton_of(text);
    // A utility statement and the query it carries have one text but are two statements.
    const uint64 hash = skeleton.hash ^ static_cast<uint64>(is_utility);
    StatementIdentity *statement = nullptr;
    if (!attempt([&] { statement = identity_of(query_id, hash, text, is_utility); }) || !statement) {
        slot = Slot{};
        return nullptr;
    }
    const uint64 planning = slot.query_id == query_id && slot.occurrence.statement == statement ? slot.occurrence.planning : 0;
    slot = {query_id, source, location, {statement, planning, trace_of(skeleton.comment), {}}};
    return &slot.occurrence;
}

} // namespace

Occurrence *of(const char *source, int location, int length, uint64 query_id, bool is_utility) {
    Slot &slot = slot_of(query_id);
    if (likely(query_id != 0 && slot.query_id == query_id && slot.source == source && slot.location == location))
        return &slot.occurrence;
    return resolve(slot, source, location, length, query_id, is_utility);
}

void on_parse(const char *source, const Query *query) {
    const auto query_id = static_cast<uint64>(query->queryId);
    Occurrence *occurrence = resolve(slot_of(query_id), source, query->stmt_location, query->stmt_len, query_id,
                                     query->commandType == CMD_UTILITY);
    if (!occurrence || occurrence->statement->is_own || query->commandType == CMD_UTILITY)
        return;
    if (!attempt([=] { lookup_keys::extract(query, &occurrence->statement->keys, &occurrence->constants); }))
        occurrence->statement->keys.count = occurrence->constants.count = 0;
}

void add_planning(const char *source, int location, int length, uint64 query_id, uint64 nanoseconds) {
    if (Occurrence *occurrence = of(source, location, length, query_id, false))
        occurrence->planning += nanoseconds;
}

void store_text(const StatementIdentity &statement, const char *source, int location, int length,
                bool is_utility) {
    if (query_text::known(statement.fingerprint))
        return;
    Fingerprint fingerprint;
    if (fingerprint_of(statement_text(source, location, length), is_utility, &fingerprint))
        store(fingerprint);
}

} // namespace dbperf::statement_identity
