#include "core/pg.h"

#include "database_pool/copy_drop.h"

#include <algorithm>

#include "core/guard.h"
#include "database_pool/copy_database.h"

namespace dbperf::database_pool::copy_drop {
namespace {

// Waits twice as long each time; the log has a line a minute about it at most.
void put_off(Copy *dropping, const ErrorData *error) {
    constexpr uint32 max_doublings = 6;
    constexpr int between_reports = 60000; // ms
    const TimestampTz now = GetCurrentTimestamp();
    const bool reports = locked([=] {
        dropping->next_drop = now + (USECS_PER_SEC << std::min(dropping->failed_drops, max_doublings));
        ++dropping->failed_drops;
        snprintf(dropping->error.data(), dropping->error.size(), "%s%s%s", error->message, error->detail ? ": " : "",
                 error->detail ? error->detail : "");
        const bool is_time =
            dropping->reported_at == 0 || TimestampDifferenceExceeds(dropping->reported_at, now, between_reports);
        if (is_time)
            dropping->reported_at = now;
        return is_time;
    });
    if (reports)
        ereport(LOG,
                errmsg("dbperf could not drop the test database \"%s\": %s", NameStr(dropping->name),
                       dropping->error.data()),
                errhint("It is tried again. Undo what keeps it, such as a prepared transaction, a subscription or a "
                        "replication slot in use."));
}

void put_off(Template *old, const ErrorData *error) {
    constexpr uint32 max_doublings = 6;
    const TimestampTz now = GetCurrentTimestamp();
    const uint32 failures = locked([=] {
        old->next_drop = now + (USECS_PER_SEC << std::min(old->failed_drops, max_doublings));
        return old->failed_drops++;
    });
    if (error && (failures == 0 || failures > max_doublings))
        ereport(LOG, errmsg("dbperf could not drop the template \"%s\": %s", NameStr(old->name), error->message));
}

} // namespace

void drop(Copy *dropping) {
    ErrorData *error = nullptr;
    const bool gone =
        !OidIsValid(dropping->database) || copy_database::drop(dropping->database, dropping->name, &error);
    if (gone)
        locked([dropping] { advance(&dropping->state, CopyEvent::dropped); });
    else if (error)
        put_off(dropping, error);
    notify_waiters();
}

void drop(Template *old) {
    ErrorData *error = nullptr;
    // One that was prepared stays, as its name says, unless it was prepared anew and moved away.
    const bool gone = !OidIsValid(old->database) || copy_database::drop(old->database, old->name, &error);
    if (!gone) {
        put_off(old, error);
        return;
    }
    if (old->in_place && old->prepared_at != InvalidXLogRecPtr)
        dsm_unpin_segment(old->map);
    locked([old] { old->state = TemplateState::free; });
    notify_waiters();
}

} // namespace dbperf::database_pool::copy_drop
