#include "deadlock/replay_member.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::deadlock {
using namespace base;
using namespace postgres;
using namespace queries;

namespace {

constexpr std::string_view deadlock_detected = "40P01";
constexpr std::string_view insufficient_privilege = "42501";
// The run itself left its rows behind.
constexpr std::string_view integrity_violation = "23";

} // namespace

ReplaySession::ReplaySession(const ConnectionTarget &target, const ReplayMember &replay, std::size_t its_number)
    : number(its_number), connection(Connection::open(target)), holds(replay.holds), gate(replay.gate),
      pauses(!replay.pause.empty()) {
    apply_settings(replay);
    try {
        // The session is the role's, too: what a policy or a trigger says of session_user holds.
        become(replay.role);
        connection.execute("BEGIN");
        for (const CapturedStatement &statement : replay.statements)
            add(statement);
        connection.execute("ROLLBACK");
        connection.execute("BEGIN ISOLATION LEVEL " + replay.isolation);
    } catch (const DatabaseError &error) {
        if (error.sqlstate().empty())
            throw;
        throw NotReplayable{fmt::format("transaction {}: {}", number, error.what())};
    }
}

bool ReplaySession::has_asked_for(std::string_view which) {
    return !watches || connection.execute("SHOW dbperf.pause_before_lock").text(0, 0).find(which) != std::string::npos;
}

void ReplaySession::send_next() {
    connection.send(steps[next].sql);
    ++next;
    busy = true;
}

void ReplaySession::take_answer() {
    busy = false;
    try {
        connection.take();
        skipped_for.clear();
    } catch (const DatabaseError &error) {
        if (error.sqlstate().empty())
            throw;
        deadlock = deadlock || error.sqlstate() == deadlock_detected;
        if (skipped_for.empty() || error.sqlstate() == deadlock_detected)
            skipped_for = error.what();
        // It may have failed when it was observed, too, and gone on behind a savepoint.
        while (next < steps.size() && !steps[next].goes_back)
            ++next;
        if (next == steps.size()) {
            failure = skipped_for;
            if (error.sqlstate().starts_with(integrity_violation))
                stale = failure;
        }
    }
}

void ReplaySession::become(const std::string &role) {
    if (connection.execute("SELECT session_user AS name").text(0, "name") == role)
        return;
    if (connection.execute("SELECT pg_catalog.current_setting('is_superuser') AS is").text(0, "is") == "on")
        connection.execute("SET SESSION AUTHORIZATION " + connection.quote_name(role));
}

std::string ReplaySession::request(std::string_view action, const CapturedStatement &statement) const {
    return fmt::format("SET LOCAL dbperf.captured = {}; SHOW dbperf.captured",
                       connection.quote_text(captured_request(action, statement)));
}

// The server executes it as its role; savepoints are the transaction's own.
void ReplaySession::add(const CapturedStatement &statement) {
    const std::string kind = captured_row(connection.execute(request("inspect", statement)).text(0, 0)).front().value();
    const std::size_t space = std::min(kind.find(' '), kind.size());
    const std::string name = connection.quote_name(kind.substr(std::min(space + 1, kind.size())));
    if (kind == "execute")
        steps.push_back({request("replay", statement), false});
    else if (kind.starts_with("savepoint "))
        steps.push_back({"SAVEPOINT " + name, false});
    else if (kind.starts_with("release "))
        steps.push_back({"RELEASE SAVEPOINT " + name, false});
    else if (kind.starts_with("rollback "))
        steps.push_back({"ROLLBACK TO SAVEPOINT " + name, true});
}

// What its own session may have set is not known; what could end it early is off.
void ReplaySession::apply_settings(const ReplayMember &replay) {
    connection.execute("SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0;"
                       " SET idle_in_transaction_session_timeout = 0; SET dbperf.n_plus_one = off");
    try {
        connection.execute("SET deadlock_timeout = '10ms'");
    } catch (const DatabaseError &error) {
        if (error.sqlstate() != insufficient_privilege)
            throw; // else: the server's own
    }
    const std::size_t between = replay.watched.find('/');
    try {
        // Without a stop, after more locks than are counted.
        connection.execute(
            fmt::format("SET dbperf.enabled = on; SET dbperf.track_deadlocks = off; SET dbperf.track_locks = on;"
                        " SET dbperf.keep_parameters = off; SET dbperf.pause_before_lock = '{}/{}/{}'",
                        replay.pause.empty() ? "0/0/4294967295" : replay.pause, number, replay.watched));
        watches = true;
        watched_held = replay.watched.substr(0, between) != "0";
        watched_requested = replay.watched.substr(between + 1) != "0";
    } catch (const DatabaseError &error) {
        if (error.sqlstate() != insufficient_privilege)
            throw;
        if (pauses)
            throw NotReplayable{
                fmt::format("only a superuser can stop transaction {} between two locks of one statement", number)};
        connection.execute("SET dbperf.keep_parameters = off");
    }
}

} // namespace dbperf::client::deadlock
