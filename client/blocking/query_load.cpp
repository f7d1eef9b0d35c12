#include "blocking/query_load.h"

#include <algorithm>
#include <map>
#include <set>

namespace dbperf::client::blocking {
using namespace base;
using namespace postgres;
using namespace queries;

namespace {

constexpr std::size_t max_sessions = 32;  // unless more are to be active
constexpr std::size_t left_to_others = 3; // on a server that is full
constexpr std::size_t max_times = 10000;  // of one query, before the migration
// Between two executions of a session: as long as the last one took, within these. The load is not to be what the
// machine is measured by.
constexpr double shortest_pause_ms = 1;
constexpr double longest_pause_ms = 10;
constexpr double slow_ms = 50;
constexpr double just_begun = 0.05; // of what it takes

// Whether this pid waits for that one, perhaps behind others of the sample.
bool waits_for(int pid, int target, const std::map<int, const SampledWait *> &by_pid) {
    std::set<int> seen;
    std::vector<int> open = {pid};
    while (!open.empty()) {
        const int each = open.back();
        open.pop_back();
        if (each == target)
            return true;
        const auto found = by_pid.find(each);
        if (!seen.insert(each).second || found == by_pid.end())
            continue;
        open.insert(open.end(), found->second->blockers.begin(), found->second->blockers.end());
    }
    return false;
}

} // namespace

QueryLoad::QueryLoad(const ConnectionTarget &target, const std::vector<PreparedQuery> &queries, int active,
                     const std::string &statement_timeout, const Timeline &timeline)
    : queries_(queries), timeline_(timeline), active_(static_cast<std::size_t>(active)), counters_(queries.size()) {
    for (const PreparedQuery &query : queries) {
        records_.emplace_back();
        records_.back().query = query.query.name;
    }
    const std::size_t wanted = std::min(active_ + queries.size() - 1, std::max(active_, max_sessions));
    while (sessions_.size() < wanted) {
        try {
            sessions_.emplace_back(open(target, statement_timeout));
        } catch (const DatabaseError &) {
            if (sessions_.size() < active_)
                throw; // else: the server has room for no more of those that are to spare
            const std::size_t kept = sessions_.size() - std::min(left_to_others, sessions_.size() - active_);
            sessions_.erase(sessions_.begin() + static_cast<std::ptrdiff_t>(kept), sessions_.end());
            break;
        }
    }
}

QueryLoad::~QueryLoad() {
    for (Session &session : sessions_)
        if (session.phase == Phase::executing)
            session.connection.cancel();
}

Connection QueryLoad::open(const ConnectionTarget &target, const std::string &statement_timeout) {
    Connection connection = Connection::open(target);
    begin_monitored_session(connection, "");
    connection.execute("SET dbperf.capture_plans = off");
    if (!statement_timeout.empty())
        connection.execute("SET statement_timeout = " + connection.quote_text(statement_timeout));
    return connection;
}

void QueryLoad::step() {
    for (Session &session : sessions_)
        if (session.phase != Phase::idle && session.connection.finished())
            advance(session);
    if (!stopped_)
        start_idle(timeline_.now_ms());
}

void QueryLoad::advance(Session &session) {
    const double now_ms = timeline_.now_ms();
    const PreparedQuery &query = queries_[session.query];
    std::string error;
    bool failed = false;
    try {
        session.connection.take();
    } catch (const DatabaseError &refused) {
        if (refused.sqlstate().empty())
            throw;
        failed = true;
        error = refused.what();
    }
    switch (session.phase) {
    case Phase::beginning:
        session.start_ms = timeline_.now_ms();
        if (!failed) {
            session.phase = Phase::executing;
            send_query(session.connection, query, session.set);
            return;
        }
        [[fallthrough]];
    case Phase::executing:
        record(session, now_ms, failed ? &error : nullptr);
        session.phase = Phase::ending;
        session.connection.send("ROLLBACK");
        return;
    default:
        session.phase = Phase::idle;
    }
}

void QueryLoad::record(Session &session, double end_ms, const std::string *error) {
    const bool waited = session.wait.has_value();
    end_wait(session, end_ms);
    Counters &counters = counters_[session.query];
    --counters.under_way;
    const double ms = std::max(end_ms - session.start_ms, 0.0);
    session.ready_ms = end_ms + std::clamp(ms, shortest_pause_ms, longest_pause_ms);
    if (session.cancelled)
        return;
    if (!waited)
        counters.is_slow = ms > slow_ms;
    QueryRecord &record = records_[session.query];
    if (end_ms <= timeline_.begin_ms) {
        ++counters.ended_before;
        if (error != nullptr)
            ++record.failures_before;
        else if (record.before_ms.size() < max_times)
            record.before_ms.push_back(ms);
        return;
    }
    if (session.start_ms <= timeline_.end_ms) {
        ++record.executions;
        record.longest_ms = std::max(record.longest_ms, ms);
    }
    if (error != nullptr)
        add_failure(record, end_ms - timeline_.begin_ms, *error);
    else
        record.fails_on = false;
}

void QueryLoad::start_idle(double now_ms) {
    auto busy = static_cast<std::size_t>(std::count_if(sessions_.begin(), sessions_.end(), [](const Session &each) {
        return each.phase != Phase::idle && !each.wait;
    }));
    for (Session &session : sessions_) {
        if (busy >= active_)
            return;
        if (session.phase != Phase::idle || session.ready_ms > now_ms)
            continue;
        const std::optional<std::size_t> query = next_query();
        if (!query)
            return;
        session.query = *query;
        Counters &counters = counters_[*query];
        session.set = counters.begun++;
        ++counters.under_way;
        if (now_ms > timeline_.end_ms)
            ++counters.begun_after;
        session.cancelled = false;
        session.phase = Phase::beginning;
        send_begin(session.connection, queries_[*query], session.set);
        cursor_ = (*query + 1) % queries_.size();
        ++busy;
    }
}

// Round robin. Slow queries leave half of the sessions to the others, or those would not be there when something is
// locked; of a query that waits, one session says as much as all.
std::optional<std::size_t> QueryLoad::next_query() {
    for (Counters &each : counters_)
        each.is_waiting = false;
    for (const Session &session : sessions_)
        if (session.wait)
            counters_[session.query].is_waiting = true;
    std::size_t slow = 0;
    for (const Counters &each : counters_)
        slow += each.is_slow && !each.is_waiting ? each.under_way : 0;
    const std::size_t at_a_time = std::max<std::size_t>(active_ / queries_.size(), 1);
    for (std::size_t i = 0; i < queries_.size(); ++i) {
        const std::size_t query = (cursor_ + i) % queries_.size();
        const Counters &each = counters_[query];
        if (!each.is_waiting && each.under_way < at_a_time &&
            (!each.is_slow || slow < std::max<std::size_t>(active_ / 2, 1)))
            return query;
    }
    return std::nullopt;
}

void QueryLoad::note_waits(const std::vector<SampledWait> &waits, int migration_pid, std::size_t statement) {
    const double now_ms = timeline_.now_ms();
    std::map<int, const SampledWait *> by_pid;
    for (const SampledWait &wait : waits)
        by_pid[wait.pid] = &wait;
    const auto migrations_own = by_pid.find(migration_pid);
    for (Session &session : sessions_) {
        const auto found = by_pid.find(session.connection.backend_pid());
        // One of an execution that has ended since says nothing of this one.
        const bool waits_now = found != by_pid.end() && session.phase == Phase::executing &&
                               now_ms - found->second->waited_ms >= session.start_ms;
        if (session.wait && (!waits_now || !(session.wait->wait.lock == found->second->lock)))
            end_wait(session, now_ms);
        if (!waits_now)
            continue;
        const SampledWait &sample = *found->second;
        if (!session.wait) {
            session.wait.emplace();
            session.wait->wait.set = session.set;
            session.wait->wait.statement = statement;
            session.wait->wait.lock = sample.lock;
            session.wait->from_ms = now_ms - sample.waited_ms;
        }
        OpenWait &open = *session.wait;
        if (!waits_for(sample.pid, migration_pid, by_pid))
            continue;
        open.is_migrations = true;
        const bool queues = sample.held.empty() && migrations_own != by_pid.end();
        if (queues)
            open.queued_until_ms = now_ms;
        if (!sample.held.empty())
            open.wait.behind = sample.held;
        else if (queues && migrations_own->second->lock.relation == sample.lock.relation &&
                 modes_conflict(migrations_own->second->lock.mode, sample.lock.mode))
            open.wait.behind = migrations_own->second->lock.mode;
    }
    note_missed();
}

void QueryLoad::note_missed() {
    if (std::any_of(sessions_.begin(), sessions_.end(),
                    [](const Session &each) { return !each.wait || !each.wait->is_migrations; }))
        return;
    for (std::size_t i = 0; i < records_.size(); ++i)
        if (counters_[i].under_way == 0)
            records_[i].was_missed = true;
}

void QueryLoad::end_wait(Session &session, double now_ms) {
    if (!session.wait)
        return;
    OpenWait &open = *session.wait;
    open.wait.ms = now_ms - open.from_ms;
    open.wait.queued_ms = std::clamp(open.queued_until_ms - open.from_ms, 0.0, open.wait.ms);
    if (open.is_migrations)
        add_wait(records_[session.query], open.wait);
    session.wait.reset();
}

void QueryLoad::add_descriptors(std::vector<pollfd> &waits) const {
    for (const Session &session : sessions_)
        if (session.phase != Phase::idle)
            waits.push_back({session.connection.descriptor(), POLLIN, 0});
}

void QueryLoad::stop() {
    stopped_ = true;
    for (Session &session : sessions_)
        if (session.phase == Phase::executing && session.start_ms > timeline_.end_ms && !session.cancelled) {
            session.cancelled = true;
            session.connection.cancel();
        }
}

bool QueryLoad::is_idle() const {
    return std::all_of(sessions_.begin(), sessions_.end(),
                       [](const Session &each) { return each.phase == Phase::idle; });
}

bool QueryLoad::has_executed_all(std::size_t times) const {
    return std::all_of(counters_.begin(), counters_.end(),
                       [&](const Counters &each) { return each.ended_before >= times; });
}

bool QueryLoad::has_begun_all_after() const {
    return std::all_of(counters_.begin(), counters_.end(), [](const Counters &each) { return each.begun_after > 0; });
}

bool QueryLoad::slowest_has_just_begun() const {
    std::size_t slowest = 0;
    double longest_ms = 0;
    for (std::size_t i = 0; i < records_.size(); ++i)
        if (const double ms = records_[i].usual_ms(); ms > longest_ms) {
            slowest = i;
            longest_ms = ms;
        }
    const double now_ms = timeline_.now_ms();
    return longest_ms <= slow_ms || std::any_of(sessions_.begin(), sessions_.end(), [&](const Session &each) {
               return each.phase == Phase::executing && each.query == slowest && !each.wait &&
                      now_ms - each.start_ms < just_begun * longest_ms;
           });
}

std::vector<int> QueryLoad::pids() const {
    std::vector<int> pids;
    for (const Session &session : sessions_)
        pids.push_back(session.connection.backend_pid());
    return pids;
}

std::string QueryLoad::query_of(int pid) const {
    for (const Session &session : sessions_)
        if (session.connection.backend_pid() == pid)
            return queries_[session.query].query.name;
    return {};
}

} // namespace dbperf::client::blocking
