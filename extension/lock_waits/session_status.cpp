// Each session counts up before and after it changes its entry; who reads tries again when it did.
#include "core/pg.h"

#include "lock_waits/session_status.h"

#include <algorithm>

#include "core/compat.h"
#include "core/hash.h"
#include "statements/fingerprint.h"
#include "statements/query_text.h"
#include "statements/text_store.h"

namespace dbperf::lock_waits {
using namespace core;
using namespace statements;

namespace {

constexpr int max_attempts = 100;

// False if the entry is another process's, or always changing.
template <typename Body>
bool read_entry(const PGPROC *process, const Body &body) {
    const volatile PgBackendStatus *entry = compat::status_of_process(process);
    for (int attempt = 0; entry && attempt < max_attempts; ++attempt) {
        int before;
        int after;
        pgstat_begin_read_activity(entry, before);
        const bool is_its_own = entry->st_procpid == process->pid && process->pid != 0;
        if (is_its_own)
            body(*const_cast<const PgBackendStatus *>(entry));
        pgstat_end_read_activity(entry, after);
        if (pgstat_read_activity_complete(before, after))
            return is_its_own;
    }
    return false;
}

// A text that others must be able to show is in no encoding but this.
bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

} // namespace

SessionStatus read_status(const PGPROC *process) {
    SessionStatus status{};
    const auto room = static_cast<size_t>(pgstat_track_activity_query_size);
    status.activity = static_cast<char *>(palloc0(room));
    status.known = read_entry(process, [&status, room](const PgBackendStatus &entry) {
        status.executes = entry.st_state == STATE_RUNNING;
        status.idle_in_transaction =
            entry.st_state == STATE_IDLEINTRANSACTION || entry.st_state == STATE_IDLEINTRANSACTION_ABORTED;
        status.transaction_at = entry.st_xact_start_timestamp;
        status.role = entry.st_userid;
        strlcpy(status.application, entry.st_appname, sizeof(status.application));
        strlcpy(status.activity, entry.st_activity_raw, room);
    });
    if (!status.known)
        status.activity[0] = '\0';
    // Full to the last byte: there may have been more.
    status.activity_is_cut = strlen(status.activity) + 1 >= room;
    return status;
}

bool is_idle_in_transaction(const PGPROC *process) {
    bool idle = false;
    return read_entry(process,
                      [&idle](const PgBackendStatus &entry) {
                          idle = entry.st_state == STATE_IDLEINTRANSACTION ||
                                 entry.st_state == STATE_IDLEINTRANSACTION_ABORTED;
                      }) &&
           idle;
}

uint64 executed_statement(const SessionStatus &status) {
    if (!status.executes || status.activity[0] == '\0')
        return 0;
    Fingerprint found{};
    if (status.activity_is_cut || !fingerprint_of(status.activity, false, &found)) {
        found.text = without_constants(status.activity);
        found.value = hash_text(found.text);
    }
    // Others that it leaves to the session itself, which has them when the statement ends.
    if (is_ascii(found.text) && !query_text::known(found.value))
        text_store::put(found.value, found.text, true);
    return found.value;
}

} // namespace dbperf::lock_waits
