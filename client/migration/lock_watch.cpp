#include "migration/lock_watch.h"

#include <fmt/format.h>

namespace dbperf::client::migration {
using namespace postgres;

LockWatch::LockWatch(const ConnectionTarget &other_database, Connection &watched)
    : connection_(Connection::open(other_database)), pid_(watched.backend_pid()),
      database_id_(watched
                       .execute("SELECT oid::pg_catalog.text AS id FROM pg_catalog.pg_database WHERE datname = "
                                "pg_catalog.current_database()")
                       .text(0, "id")) {}

void LockWatch::look(double now_ms) {
    const Result rows = connection_.execute(
        fmt::format("SELECT l.relation::pg_catalog.int8 AS oid, l.mode, l.granted FROM pg_catalog.pg_locks AS l"
                    " WHERE l.pid = {} AND (NOT l.granted OR (l.locktype = 'relation' AND l.database = {}))",
                    pid_, database_id_));
    Locks now;
    bool waits = false;
    for (int row = 0; row < rows.rows(); ++row) {
        if (!rows.boolean(row, "granted")) {
            waits = true;
            continue;
        }
        const std::pair key(rows.integer(row, "oid"), rows.text(row, "mode"));
        const auto known = held_.find(key);
        now[key] = known == held_.end() ? Since{last_look_ms_, statement_} : known->second;
    }
    for (const auto &lock : held_)
        if (now.count(lock.first) == 0)
            released_.emplace_back(lock, now_ms);
    held_ = std::move(now);
    last_look_ms_ = now_ms;
    if (waits)
        look_for_blockers();
}

std::vector<std::pair<LockWatch::Locks::value_type, double>> LockWatch::take_released(double now_ms) {
    for (const auto &lock : held_)
        released_.emplace_back(lock, now_ms);
    held_.clear();
    return std::exchange(released_, {});
}

void LockWatch::look_for_blockers() {
    const Result rows = connection_.execute(fmt::format(
        "SELECT pg_catalog.string_agg(pg_catalog.format('%s (pid %s, %s)', coalesce(nullif(a.application_name, ''), "
        "a.backend_type, 'unknown'), b.pid, coalesce(nullif(a.state, ''), 'working')), ', ') AS who"
        " FROM (SELECT DISTINCT pg_catalog.unnest(pg_catalog.pg_blocking_pids({})) AS pid) AS b"
        " LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid",
        pid_));
    if (!rows.is_null(0, "who"))
        blockers_ = rows.text(0, "who");
}

} // namespace dbperf::client::migration
