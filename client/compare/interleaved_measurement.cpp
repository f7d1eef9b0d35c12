#include "compare/interleaved_measurement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace dbperf::client::compare {
using namespace postgres;
using namespace queries;

namespace {

constexpr std::size_t max_sessions = 20;
constexpr int max_rounds = 4;
constexpr double rounds_enough_ms = 50;

template <typename Action>
auto on(ComparedSide &side, std::size_t set, Action action) {
    const auto start = std::chrono::steady_clock::now();
    try {
        return action();
    } catch (const QueryError &error) {
        const std::chrono::duration<double, std::milli> passed = std::chrono::steady_clock::now() - start;
        throw SideError(side, error, set, passed.count());
    }
}

InterleavedPass run_pass(ComparedSide &before, ComparedSide &after, const PreparedQuery &query, std::size_t set,
                         double budget_ms, bool before_first, SetDigests &digests) {
    ComparedSide &outer = before_first ? before : after;
    ComparedSide &inner = before_first ? after : before;
    // Executions right after one of the same process are faster: A B B A gives one to the inner side, this order of
    // warming up one to the outer side.
    ResultDigest of_inner_rows = digest_of_execution(inner, query, set);
    ResultDigest of_outer_rows = digest_of_execution(outer, query, set);
    digests = {set, before_first ? of_outer_rows : of_inner_rows, before_first ? of_inner_rows : of_outer_rows};
    Measurement of_outer, of_inner;
    double spent_ms = 0;
    const auto measure = [&](ComparedSide &side, Measurement &fastest, bool first) {
        const Measurement found =
            on(side, set, [&] { return measure_query(side.connection, query, set, budget_ms, side.executions); });
        spent_ms += found.ms;
        if (first || found.ms < fastest.ms)
            fastest = found;
    };
    for (int round = 0; round < max_rounds && spent_ms < rounds_enough_ms; ++round) {
        measure(outer, of_outer, round == 0);
        measure(inner, of_inner, round == 0);
        measure(inner, of_inner, false);
        measure(outer, of_outer, false);
    }
    return {set, before_first ? of_outer : of_inner, before_first ? of_inner : of_outer};
}

std::size_t find_usual_set(std::vector<InterleavedPass> passes) {
    const auto middle = passes.begin() + static_cast<std::ptrdiff_t>(passes.size() / 2);
    const auto key = [](const InterleavedPass &pass) {
        return std::pair(pass.before.blocks + pass.after.blocks, pass.before.ms + pass.after.ms);
    };
    std::nth_element(passes.begin(), middle, passes.end(),
                     [&](const InterleavedPass &a, const InterleavedPass &b) { return key(a) < key(b); });
    return middle->set;
}

void renew_both(ComparedSide &before, ComparedSide &after, bool before_first) {
    (before_first ? before : after).renew();
    (before_first ? after : before).renew();
}

void add_pass(ComparedSide &before, ComparedSide &after, std::size_t passes, QueryInTurns *query) {
    InterleavedTimes &times = query->times;
    const std::size_t sets = query->query->sets.size();
    const std::size_t pass = times.passes.size();
    // More sets than passes are spread over them; whoever goes on begins half a step later.
    const std::size_t set = sets > passes ? (pass * sets + pass / passes * sets / 2) / passes % sets : pass % sets;
    const bool before_first = (pass % sets + pass / sets) % 2 == 0; // a set comes with either order in turn
    SetDigests digests;
    try {
        times.passes.push_back(run_pass(before, after, *query->query, set, query->budget_ms, before_first, digests));
    } catch (const SideError &error) {
        query->trouble = error;
        renew_both(before, after, before_first);
        return;
    }
    if (std::none_of(times.digests.begin(), times.digests.end(),
                     [&](const SetDigests &known) { return known.set == set; }))
        times.digests.push_back(digests);
    times.before_ms.push_back(times.passes.back().before.ms);
    times.after_ms.push_back(times.passes.back().after.ms);
}

} // namespace

ComparedSide::ComparedSide(std::string run_label, const ConnectionTarget &database, std::string statement_timeout)
    : label(std::move(run_label)), target(database), timeout(std::move(statement_timeout)),
      connection(Connection::open(database)) {
    begin_monitored_session(connection, label);
    connection.execute("SET dbperf.capture_plans = off");
    if (!timeout.empty())
        connection.execute("SET statement_timeout = " + connection.quote_text(timeout));
}

void ComparedSide::renew() {
    *this = ComparedSide(label, target, timeout);
}

ResultDigest digest_of_execution(ComparedSide &side, const PreparedQuery &query, std::size_t set) {
    set_run(side.connection, "");
    const ResultDigest digest = on(side, set, [&] { return execute_query(side.connection, query, set, 0); });
    set_run(side.connection, side.label);
    return digest;
}

std::string array_text(const std::vector<double> &values) {
    return fmt::format("{{{}}}", fmt::join(values, ","));
}

void measure_in_turns(ComparedSide &before, ComparedSide &after, const std::vector<QueryInTurns *> &queries,
                      std::size_t passes, std::size_t all_passes) {
    for (std::size_t pass = 0; pass < passes; ++pass) {
        if (pass % ((all_passes + max_sessions - 1) / max_sessions) == 0)
            renew_both(before, after, pass % 2 == 0);
        for (QueryInTurns *each : queries)
            if (!each->trouble)
                add_pass(before, after, all_passes, each);
    }
    for (QueryInTurns *each : queries)
        if (!each->trouble)
            each->times.usual_set = find_usual_set(each->times.passes);
}

void capture_plan(ComparedSide &side, const PreparedQuery &query, std::size_t set, double budget_ms) {
    side.connection.execute("SET dbperf.capture_plans = 'all'; SET dbperf.capture_timing = on");
    on(side, set, [&] { return execute_query(side.connection, query, set, budget_ms); });
    side.connection.execute("SET dbperf.capture_plans = off; RESET dbperf.capture_timing");
}

} // namespace dbperf::client::compare
