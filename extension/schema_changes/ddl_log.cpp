// Notes live in TopMemoryContext, since VACUUM, CREATE INDEX CONCURRENTLY and procedures end transactions on their way.
// The transaction callbacks are installed with the first DDL of a session: one without DDL does not pay for them.
#include "core/pg.h"

#include "schema_changes/ddl_log.h"

#include <algorithm>
#include <array>

#include "core/event_queue.h"
#include "core/runs.h"
#include "core/settings.h"
#include "schema_changes/ddl_objects.h"

namespace dbperf::schema_changes::ddl_log {
using namespace core;

struct Note {
    Note *next;
    int transaction_level;
    uint32 run;
    Oid role;
    DdlRecord record;
    char bytes[FLEXIBLE_ARRAY_MEMBER]; // tag, names, text
};

namespace {

constexpr int max_pending = 5000; // in one transaction

Note *first_pending = nullptr;
Note **end_of_pending = &first_pending;
int pending_count = 0;

// Takes out of the list what does not stay.
template <typename Stays>
void sift(const Stays &stays) {
    Note **at = &first_pending;
    while (Note *note = *at) {
        if (stays(note)) {
            at = &note->next;
            continue;
        }
        *at = note->next;
        --pending_count;
        pfree(note);
    }
    end_of_pending = at;
}

// Outside runs half of the queue is left to those who asked for their observations.
bool is_room_for(uint32 run) {
    const event_queue::State queue = event_queue::state();
    return run != runs::no_run || queue.bytes_used < queue.bytes_total / 2;
}

void send(const Note &note) {
    if (!is_room_for(note.run)) {
        event_queue::count_dropped(note.run);
        return;
    }
    const size_t length = note.record.tag_length + note.record.names_length + note.record.text_length;
    const std::array parts{std::string_view(reinterpret_cast<const char *>(&note.record), sizeof(note.record)),
                           std::string_view(note.bytes, length)};
    event_queue::append(event_queue::EventType::ddl, note.run, MyDatabaseId, note.role, parts,
                        event_queue::WakeMode::wait);
}

void on_transaction(XactEvent event, void *) {
    if (!first_pending)
        return;
    switch (event) {
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_PREPARE: // whether it is committed one day nobody knows
        for (const Note *note = first_pending; note; note = note->next)
            send(*note);
        [[fallthrough]];
    case XACT_EVENT_ABORT:
        sift([](const Note *) { return false; });
        break;
    default:
        break;
    }
}

void on_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (!first_pending)
        return;
    const int level = GetCurrentTransactionNestLevel();
    if (event == SUBXACT_EVENT_ABORT_SUB) {
        sift([level](const Note *note) { return note->transaction_level < level; });
    } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
        for (Note *note = first_pending; note; note = note->next)
            note->transaction_level = std::min(note->transaction_level, level - 1);
    }
}

void install_callbacks() {
    static bool installed = false;
    if (installed)
        return;
    installed = true;
    RegisterXactCallback(on_transaction, nullptr);
    RegisterSubXactCallback(on_subtransaction, nullptr);
}

// Where a comment at the front ends; 0 if none.
size_t comment_length(std::string_view text) {
    if (text.starts_with("--"))
        return std::min(text.find('\n'), text.size());
    if (!text.starts_with("/*"))
        return 0;
    size_t at = 2;
    for (int depth = 1; depth > 0 && at < text.size();) {
        const bool opens = text[at] == '/' && at + 1 < text.size() && text[at + 1] == '*';
        const bool closes = text[at] == '*' && at + 1 < text.size() && text[at + 1] == '/';
        depth += opens - closes;
        at += opens || closes ? 2 : 1;
    }
    return std::min(at, text.size());
}

// Without what stands before and behind it: the parser counts comments before a statement to it.
std::string_view executable_text(const char *source, int location, int length) {
    std::string_view text(source);
    if (location > 0 && static_cast<size_t>(location) <= text.size())
        text.remove_prefix(static_cast<size_t>(location));
    if (location >= 0 && length > 0)
        text.remove_suffix(text.size() - std::min(text.size(), static_cast<size_t>(length)));
    for (size_t skip = 1; skip > 0 && !text.empty(); text.remove_prefix(skip))
        skip = strchr(" \t\r\n;", text.front()) ? 1 : comment_length(text);
    while (!text.empty() && strchr(" \t\r\n;", text.back()))
        text.remove_suffix(1);
    return text;
}

} // namespace

Note *begin(Node *statement, const char *source, int location, int length) {
    // CREATE EXTENSION stands for the statements of its script.
    if (!source || creating_extension || IsParallelWorker())
        return nullptr;
    DdlObjects objects;
    if (!ddl_objects_of(statement, &objects) || objects.is_temporary)
        return nullptr;
    const std::string_view tag(GetCommandTagName(CreateCommandTag(statement)));
    std::string_view text = executable_text(source, location, length);
    const bool is_cut = text.size() > static_cast<size_t>(settings::max_query_length);
    if (is_cut)
        text.remove_suffix(text.size() - static_cast<size_t>(pg_mbcliplen(text.data(), static_cast<int>(text.size()),
                                                                          settings::max_query_length)));
    Note *note = static_cast<Note *>(MemoryContextAllocExtended(
        TopMemoryContext, offsetof(Note, bytes) + tag.size() + objects.length + text.size(), MCXT_ALLOC_NO_OOM));
    if (!note) {
        event_queue::count_dropped(runs::current_id());
        return nullptr;
    }
    note->next = nullptr;
    note->role = GetUserId();
    note->record = {0, static_cast<uint32>(tag.size()), static_cast<uint32>(objects.length),
                    static_cast<uint32>(text.size()), is_cut};
    char *at = note->bytes;
    at = std::copy(tag.begin(), tag.end(), at);
    at = std::copy(objects.names, objects.names + objects.length, at);
    std::copy(text.begin(), text.end(), at);
    return note;
}

void completed(Note *note) {
    if (pending_count >= max_pending) {
        event_queue::count_dropped(runs::current_id());
        pfree(note);
        return;
    }
    install_callbacks();
    note->run = runs::current_id();
    note->transaction_level = GetCurrentTransactionNestLevel();
    note->record.happened_at = GetCurrentTimestamp();
    *end_of_pending = note;
    end_of_pending = &note->next;
    ++pending_count;
}

void failed(Note *note) {
    pfree(note);
}

} // namespace dbperf::schema_changes::ddl_log
