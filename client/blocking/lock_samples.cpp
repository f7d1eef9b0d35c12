#include "blocking/lock_samples.h"

#include "migration/relation_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

namespace dbperf::client::blocking {
using namespace postgres;
using namespace migration;

namespace {

std::vector<std::string> split(const std::string &list) {
    std::vector<std::string> parts;
    std::istringstream in(list);
    for (std::string part; std::getline(in, part, ',');)
        parts.push_back(part);
    return parts;
}

} // namespace

LockSamples::LockSamples(const ConnectionTarget &other_database, Connection &in_copy)
    : connection_(Connection::open(other_database)) {
    for (const auto &[oid, relation] : read_relations(in_copy))
        names_[oid] = relation.name;
    connection_.execute("SET statement_timeout = 0");
}

void LockSamples::watch(int migration_pid, std::vector<int> pids) {
    pids.push_back(migration_pid);
    sql_ = fmt::format(
        "WITH waiting AS MATERIALIZED (SELECT l.pid, l.locktype, l.mode, l.database, l.relation,"
        " extract(epoch FROM pg_catalog.clock_timestamp() - l.waitstart) * 1000 AS waited_ms,"
        " pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(l.pid), ',') AS blockers"
        " FROM pg_catalog.pg_locks AS l WHERE NOT l.granted AND l.pid = ANY ('{{{}}}'))"
        " SELECT w.pid, w.locktype, w.mode, coalesce(w.relation::pg_catalog.int8, 0) AS relation, w.waited_ms, "
        "w.blockers,"
        " (SELECT pg_catalog.string_agg(h.mode, ',') FROM pg_catalog.pg_locks AS h WHERE h.pid = {}"
        " AND h.granted AND h.locktype = 'relation' AND h.relation = w.relation AND h.database = w.database) AS held"
        " FROM waiting AS w",
        fmt::join(pids, ","), migration_pid);
}

void LockSamples::send() {
    connection_.send(sql_);
    busy_ = true;
}

std::vector<SampledWait> LockSamples::take() {
    busy_ = false;
    const Result rows = connection_.take();
    std::vector<SampledWait> waits;
    for (int row = 0; row < rows.rows(); ++row) {
        SampledWait wait;
        wait.pid = static_cast<int>(rows.integer(row, "pid"));
        wait.lock = {rows.text(row, "locktype"), relation_name(rows.integer(row, "relation")), rows.text(row, "mode")};
        wait.waited_ms = rows.number(row, "waited_ms").value_or(0);
        for (const std::string &pid : split(rows.text(row, "blockers")))
            wait.blockers.push_back(std::atoi(pid.c_str()));
        for (const std::string &mode : split(rows.text(row, "held")))
            if (modes_conflict(mode, wait.lock.mode) && lock_strength(mode) > lock_strength(wait.held))
                wait.held = mode;
        waits.push_back(std::move(wait));
    }
    return waits;
}

std::string LockSamples::stranger(int pid) {
    const auto known = strangers_.find(pid);
    if (known != strangers_.end())
        return known->second;
    if (pid == 0)
        return strangers_[pid] = "a prepared transaction";
    const Result rows = connection_.execute(fmt::format(
        "SELECT pg_catalog.format('%s (pid %s)', coalesce(nullif(application_name, ''), backend_type, 'unknown'), pid)"
        " AS who FROM pg_catalog.pg_stat_activity WHERE pid = {}",
        pid));
    return strangers_[pid] = rows.rows() == 0 ? fmt::format("pid {}", pid) : rows.text(0, "who");
}

std::string LockSamples::relation_name(long long oid) const {
    if (oid == 0)
        return {};
    const auto found = names_.find(oid);
    return found == names_.end() ? fmt::format("relation {}", oid) : found->second;
}

} // namespace dbperf::client::blocking
