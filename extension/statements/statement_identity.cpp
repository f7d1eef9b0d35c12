// The backend's cache of identities; see the header for why it is keyed as it is.
#include "core/pg.h"

#include "statements/statement_identity.h"

#include <algorithm>
#include <array>
#include <bit>

#include "core/compat.h"
#include "core/guard.h"
#include "core/hash.h"
#include "core/runs.h"
#include "core/slice.h"
#include "statements/fingerprint.h"
#include "statements/known_shapes.h"
#include "lookups/lookup_search.h"
#include "statements/internal_statement.h"
#include "statements/query_text.h"
#include "statements/skeleton.h"
#include "statements/text_store.h"

namespace dbperf::statements::statement_identity {
using namespace core;
using namespace lookups;

namespace {

constexpr long many_identities = 8000;
constexpr long max_identities = 16000;  // below one statement of the client
constexpr int longest_kept_text = 8192; // longer texts are looked up by skeleton each time
constexpr uint8 max_misread = 3;

struct Slot {
    const char *source;      // address of the whole source text
    uint64 place;            // location, length and kind in one word; 0: free
    bool to_the_end;         // of its source
    char behind;             // the semicolon
    const PlannedStmt *plan; // that was executed with this text last
    uint64 plans_before;     // how many had been made then
    size_t offset;           // of the statement in its source
    size_t end;              // and of the semicolon
    size_t text_length;
    int text_room;
    char *text; // copy of the statement's own part, NUL-terminated
    bool has_comment;
    uint8 misread; // times that its literals were looked up for nothing
    LiteralPlaces literals;
    Occurrence occurrence;
};

std::array<Slot, 256> slots{};
HTAB *identities = nullptr;
bool too_many = false; // there are
uint64 plans_made = 1;

// In the extended protocol a statement is planned from one copy of its text and executed from another, and it may be
// executed long after: constants are found by what the text says.
struct PlannedConstants {
    uint64 text; // 0: free
    LookupValues constants;
};
std::array<PlannedConstants, 256> planned_constants{};

// Location and length as they stand side by side in a plan, the kind in a bit that neither uses; never 0.
inline uint64 place_of(int location, int length, bool is_utility) {
    return (static_cast<uint64>(static_cast<uint32>(length)) << 32 | static_cast<uint32>(location)) ^
           (is_utility ? uint64{3} << 62 : uint64{1} << 63);
}

inline bool is_utility_place(uint64 place) {
    return place >> 62 == 3;
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

inline bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// Whether one may follow the semicolon at the end of this statement, as `at` reads from there on.
bool may_be_comment(const char *at) {
    return at[0] == ';' && (at[1] == '/' || at[1] == '-' || (is_blank(at[1]) && (at[2] == '/' || at[2] == '-')));
}

const char *end_of(const char *source, int location, int length) {
    return source + std::max(location, 0) + length;
}

// The comment behind the semicolon of the last statement, where some libraries write theirs; empty without.
std::string_view comment_behind(const char *source, int location, int length) {
    if (location < 0 || length <= 0 || !may_be_comment(end_of(source, location, length)))
        return {};
    std::string_view rest(source + location + length + 1);
    while (!rest.empty() && is_blank(rest.front()))
        rest.remove_prefix(1);
    while (!rest.empty() && (is_blank(rest.back()) || rest.back() == ';'))
        rest.remove_suffix(1);
    const bool is_block = rest.starts_with("/*") && rest.size() >= 4 && rest.find("*/", 2) == rest.size() - 2;
    const bool is_line = rest.starts_with("--") && rest.find('\n') == std::string_view::npos;
    return is_block || is_line ? rest : std::string_view{};
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

bool names_advisory(std::string_view text) {
    constexpr std::string_view word = "advisory";
    for (size_t at = 0; at + word.size() <= text.size(); ++at)
        if ((text[at] | 0x20) == word[0] && pg_strncasecmp(text.data() + at, word.data(), word.size()) == 0)
            return true;
    return false;
}

StatementIdentity *known_identity(uint64 skeleton) {
    return identities ? static_cast<StatementIdentity *>(hash_search_with_hash_value(
                            identities, &skeleton, static_cast<uint32>(skeleton), HASH_FIND, nullptr))
                      : nullptr;
}

// Null when it cannot be made.
StatementIdentity *make_identity(uint64 skeleton, std::string_view text, bool is_utility) {
    if (!identities) {
        HASHCTL control{};
        control.keysize = sizeof(uint64);
        control.entrysize = sizeof(StatementIdentity);
        control.hcxt = TopMemoryContext;
        identities = hash_create("dbperf statement identities", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    }
    // What another backend has met is an ordinary statement. Its text may have gone since, and one that is aborted
    // cannot store it any more.
    Fingerprint fingerprint{known_shapes::find(skeleton), false, 0, {}};
    const bool known = fingerprint.value != 0 && query_text::known_or_crowded(fingerprint.value);
    if (!known && !fingerprint_of(text, is_utility, &fingerprint))
        return nullptr;
    if (hash_get_num_entries(identities) >= max_identities)
        return nullptr;
    bool found;
    auto *made = static_cast<StatementIdentity *>(
        hash_search_with_hash_value(identities, &skeleton, static_cast<uint32>(skeleton), HASH_ENTER, &found));
    constexpr size_t used = offsetof(StatementIdentity, keys) + offsetof(LookupKeys, keys) + sizeof(LookupKey);
    memset(reinterpret_cast<char *>(made) + sizeof(uint64), 0, used - sizeof(uint64));
    too_many = hash_get_num_entries(identities) >= many_identities;
    made->fingerprint = fingerprint.value;
    made->names_dbperf = fingerprint.names_dbperf;
    made->names_advisory = names_advisory(fingerprint.text);
    made->entry.key.run = StatementEntryCache::none;
    if (!known && !made->names_dbperf && !made->names_advisory)
        known_shapes::add(skeleton, fingerprint.value);
    // The text of one that names dbperf is stored when it is counted.
    if (!known && !made->names_dbperf)
        text_store::put(fingerprint.value, fingerprint.text, runs::cache.id != runs::no_run);
    return made;
}

// Keeps a copy of the text in the slot; false when it is too long to keep.
inline bool keep_text(Slot &slot, std::string_view text) {
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
    slot.text_length = text.size();
    return true;
}

// The same, with what follows when the statement does not reach to the end. A comment there is read again each time.
inline bool keep_statement(Slot &slot, std::string_view text, const char *source, int location, int length) {
    if (length <= 0)
        return keep_text(slot, text);
    const char *end = end_of(source, location, length);
    if (text.data() + text.size() != end || *end != ';' || may_be_comment(end))
        return false;
    slot.behind = end[1];
    slot.end = static_cast<size_t>(end - source);
    return keep_text(slot, text);
}

inline uint64 text_of(const Occurrence &occurrence) {
    return mix_bits(occurrence.statement->skeleton ^ std::rotl(occurrence.literals, 31)) | 1;
}

// The slot holds this text now, if it can be kept.
inline void move_to(Slot &slot, std::string_view text, const char *source, int location, int length, bool is_utility) {
    slot.source = source;
    slot.plan = nullptr;
    slot.offset = static_cast<size_t>(std::max(location, 0));
    // Without a location the length does not count either.
    slot.to_the_end = location < 0 || length <= 0;
    slot.place = keep_statement(slot, text, source, location, length) ? place_of(location, length, is_utility) : 0;
}

inline Occurrence *begin_occurrence(Slot &slot, uint64 literals, bool planning) {
    Occurrence &occurrence = slot.occurrence;
    StatementIdentity *statement = occurrence.statement;
    occurrence.literals = literals;
    statement->has_comment = slot.has_comment;
    if (planning)
        return &occurrence;
    // Planned elsewhere: what it looked up there.
    copy(statement->keys, &occurrence.keys);
    const uint64 key = text_of(occurrence);
    const PlannedConstants &planned = planned_constants[key % planned_constants.size()];
    if (planned.text == key)
        occurrence.constants = planned.constants;
    else
        occurrence.constants.count = 0;
    return &occurrence;
}

// A loop sends one text again and again with another key.
inline bool has_other_literals(Slot &slot, std::string_view text, bool is_utility, uint64 *literals) {
    if (slot.literals.count == LiteralPlaces::unknown || slot.place == 0 || is_utility_place(slot.place) != is_utility)
        return false;
    if (differs_in_literals(&slot.literals, {slot.text, slot.text_length}, text, literals)) {
        slot.misread = 0;
        return true;
    }
    ++slot.misread;
    return false;
}

// Finds the statement of a text by its skeleton; false when it cannot be known.
[[gnu::noinline]] bool identify(Slot &slot, std::string_view text, const char *source, int location, int length,
                                bool is_utility, uint64 *literals) {
    const Skeleton skeleton = known_shapes::skeleton_of(text);
    // A utility statement and the query it carries have one text but are two statements.
    const uint64 hash = skeleton.hash ^ static_cast<uint64>(is_utility);
    StatementIdentity *statement = known_identity(hash);
    if (!statement && (!catch_errors([&] { statement = make_identity(hash, text, is_utility); }) || !statement)) {
        slot.place = 0;
        return false;
    }
    slot.literals.count = LiteralPlaces::unknown;
    if (slot.occurrence.statement != statement) {
        slot.occurrence.statement = statement;
        slot.occurrence.planning = 0;
        slot.misread = 0;
    } else if (slot.misread < max_misread && text.size() <= longest_kept_text) {
        statements::skeleton_of(text, compat::backslash_escapes(), known_shapes::key(), nullptr, nullptr,
                                &slot.literals);
    }
    const std::string_view comment =
        skeleton.comment.empty() ? comment_behind(source, location, length) : skeleton.comment;
    slot.occurrence.trace = trace_of(comment);
    slot.has_comment = !comment.empty();
    *literals = skeleton.literals;
    return true;
}

[[gnu::noinline]] Occurrence *resolve(Slot &slot, const char *source, int location, int length, bool is_utility,
                                      bool planning) {
    if (!source)
        return nullptr;
    const std::string_view text = statement_text(source, location, length);
    // The body of a BEGIN ATOMIC function is stored as a tree: its statements have no text to know them by.
    if (text.empty())
        return nullptr;
    uint64 literals;
    const bool comment_follows = length > 0 && may_be_comment(text.data() + text.size());
    if ((comment_follows || !has_other_literals(slot, text, is_utility, &literals)) &&
        !identify(slot, text, source, location, length, is_utility, &literals))
        return nullptr;
    move_to(slot, text, source, location, length, is_utility);
    return begin_occurrence(slot, literals, planning);
}

// Whether an index allows one row at most: every column of a unique one is compared.
bool is_unique(Oid index, const List *conditions) {
    const HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple))
        return false;
    const Form_pg_index form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
    const bool result = form->indisunique && form->indnkeyatts == list_length(conditions);
    ReleaseSysCache(tuple);
    if (!result)
        return false;
    ListCell *cell;
    foreach (cell, conditions) {
        const Node *condition = static_cast<const Node *>(lfirst(cell));
        // Of the operators that an index serves only equality with one value gives one row; <, > and lists do not.
        if (!IsA(condition, OpExpr) || !op_mergejoinable(reinterpret_cast<const OpExpr *>(condition)->opno, InvalidOid))
            return false;
    }
    return true;
}

// The plan's only index, when it does nothing but to look rows up there.
const Plan *only_look_up(const PlannedStmt *plan) {
    const Plan *top = plan->planTree;
    if (plan->commandType == CMD_SELECT && IsA(top, Limit))
        top = top->lefttree;
    return plan->commandType == CMD_SELECT && (IsA(top, IndexScan) || IsA(top, IndexOnlyScan)) ? top : nullptr;
}

// Rows are looked up in the catalog once per index.
void learn_single_row(StatementIdentity *statement, const PlannedStmt *plan) {
    const Plan *top = only_look_up(plan);
    if (!top) {
        statement->single_row = false;
        return;
    }
    const bool only = IsA(top, IndexOnlyScan);
    const Oid index = only ? reinterpret_cast<const IndexOnlyScan *>(top)->indexid
                           : reinterpret_cast<const IndexScan *>(top)->indexid;
    const List *conditions = only ? reinterpret_cast<const IndexOnlyScan *>(top)->indexqual
                                  : reinterpret_cast<const IndexScan *>(top)->indexqual;
    if (statement->unique_index == index && list_length(conditions) == 1 && IsA(linitial(conditions), OpExpr)) {
        statement->single_row = true;
        return;
    }
    statement->single_row = is_unique(index, conditions);
    statement->unique_index = statement->single_row && list_length(conditions) == 1 ? index : InvalidOid;
}

// With the same place as the slot, so that the source is long enough; and no comment stands behind the semicolon.
inline bool same_text(const Slot &slot, const char *source) {
    const char *text = source + slot.offset;
    if (unlikely(slot.to_the_end))
        return strcmp(slot.text, text) == 0;
    const char *end = source + slot.end;
    if (unlikely(end[0] != ';' || end[1] != slot.behind || (slot.behind != 0 && may_be_comment(end))))
        return false;
    return memcmp(slot.text, text, slot.text_length) == 0;
}

// `planning`: its keys will be found anew.
inline Occurrence *find(const char *source, int location, int length, bool is_utility, bool planning) {
    Slot &slot = slot_of(source, location);
    if (likely(slot.source == source && slot.place == place_of(location, length, is_utility) &&
               same_text(slot, source)))
        return &slot.occurrence;
    return resolve(slot, source, location, length, is_utility, planning);
}

} // namespace

void forget_if_full() {
    // Rare (very many shapes in one session): begin anew rather than keep an order of age on the hot path.
    if (likely(!too_many))
        return;
    hash_destroy(identities);
    identities = nullptr;
    too_many = false;
    for (Slot &slot : slots) {
        slot.place = 0;
        slot.occurrence.statement = nullptr;
    }
}

Occurrence *of(const char *source, int location, int length, bool is_utility) {
    return find(source, location, length, is_utility, false);
}

// As long as no plan was made, one at the same place is the same; and a plan has one text.
Occurrence *of_plan(const char *source, const PlannedStmt *plan) {
    Slot &slot = slot_of(source, plan->stmt_location);
    if (likely(slot.plan == plan && slot.plans_before == plans_made && slot.source == source &&
               slot.place == place_of(plan->stmt_location, plan->stmt_len, false)))
        return &slot.occurrence;
    Occurrence *occurrence = of(source, plan->stmt_location, plan->stmt_len, false);
    slot.plan = plan;
    slot.plans_before = plans_made;
    return occurrence;
}

void plan_is_made() {
    ++plans_made;
}

void on_plan(const char *source, const Query *query) {
    Occurrence *occurrence = find(source, query->stmt_location, query->stmt_len, false, true);
    if (!occurrence)
        return;
    if (unlikely(occurrence->statement->names_dbperf)) {
        occurrence->statement->is_internal = internal_statement::is_internal(query);
        if (occurrence->statement->is_internal)
            return;
    }
    lookup_search::extract(query, &occurrence->keys, &occurrence->constants);
    StatementIdentity &statement = *occurrence->statement;
    if (occurrence->keys.is_batch && statement.keys.count > 0)
        return; // one text with a list may stand for several keys or for one
    if (statement.keys.table != occurrence->keys.table ||
        statement.keys.keys[0].relation != occurrence->keys.keys[0].relation)
        statement.loop = nullptr;
    copy(occurrence->keys, &statement.keys);
    if (occurrence->keys.has_constants) {
        const uint64 key = text_of(*occurrence);
        planned_constants[key % planned_constants.size()] = {key, occurrence->constants};
    }
}

void on_planned(const char *source, int location, int length, const PlannedStmt *plan, uint64 nanoseconds) {
    // The text is where it was before: only its slot may be another's by now.
    Slot &slot = slot_of(source, location);
    Occurrence *occurrence = likely(slot.source == source && slot.place == place_of(location, length, false))
                                 ? &slot.occurrence
                                 : of(source, location, length, false);
    if (!occurrence)
        return;
    slot.plan = plan;
    slot.plans_before = plans_made;
    occurrence->planning += nanoseconds;
    if (!occurrence->statement->is_internal)
        learn_single_row(occurrence->statement, plan);
}

uint64 hash_of_text(const Occurrence &occurrence) {
    return text_of(occurrence);
}

std::string_view executable_text(const QueryDesc *query, size_t longest) {
    const PlannedStmt *plan = query->plannedstmt;
    const std::string_view text = statement_text(query->sourceText, plan->stmt_location, plan->stmt_len);
    Fingerprint fingerprint;
    if (text.size() > longest || !fingerprint_of(text, false, &fingerprint))
        return {};
    std::string_view own = slice(text, fingerprint.begins);
    while (!own.empty() && strchr(" \t\r\n;", own.back()))
        own.remove_suffix(1);
    return own;
}

void copy_comment(const StatementIdentity &statement, const QueryDesc *query, char *comment, size_t room) {
    comment[0] = '\0';
    if (!statement.has_comment)
        return;
    const PlannedStmt *plan = query->plannedstmt;
    std::string_view text =
        skeleton_of(statement_text(query->sourceText, plan->stmt_location, plan->stmt_len), compat::backslash_escapes())
            .comment;
    if (text.empty())
        text = comment_behind(query->sourceText, plan->stmt_location, plan->stmt_len);
    const size_t length = std::min(text.size(), room - 1);
    memcpy(comment, text.data(), length);
    comment[length] = '\0';
}

bool store_text(const StatementIdentity &statement, const char *source, int location, int length, bool is_utility,
                bool in_run) {
    Fingerprint fingerprint;
    return query_text::known(statement.fingerprint) ||
           (fingerprint_of(statement_text(source, location, length), is_utility, &fingerprint) &&
            text_store::put(fingerprint.value, fingerprint.text, in_run));
}

} // namespace dbperf::statements::statement_identity
