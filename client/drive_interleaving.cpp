#include "drive_interleaving.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace dbperf::client {
namespace {

constexpr std::size_t sessions_most = 20;

struct Pass {
    std::size_t set = 0;
    Measurement before, after; // the faster ones
};

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

Pass run_pass(ComparedSide &before, ComparedSide &after, const PreparedQuery &query, std::size_t set, double budget_ms,
              bool before_first) {
    const auto measure = [&](ComparedSide &side) {
        return on(side, set, [&] { return measure_query(side.connection, query, set, budget_ms, side.executions); });
    };
    const auto faster = [](const Measurement &a, const Measurement &b) { return a.ms <= b.ms ? a : b; };
    ComparedSide &outer = before_first ? before : after;
    ComparedSide &inner = before_first ? after : before;
    const Measurement first = measure(outer);
    const Measurement second = measure(inner);
    const Measurement third = measure(inner);
    const Measurement fourth = measure(outer);
    const Measurement of_outer = faster(first, fourth);
    const Measurement of_inner = faster(second, third);
    return {set, before_first ? of_outer : of_inner, before_first ? of_inner : of_outer};
}

std::size_t usual_set(std::vector<Pass> passes) {
    const auto middle = passes.begin() + static_cast<std::ptrdiff_t>(passes.size() / 2);
    const auto key = [](const Pass &pass) {
        return std::pair(pass.before.blocks + pass.after.blocks, pass.before.ms + pass.after.ms);
    };
    std::nth_element(passes.begin(), middle, passes.end(),
                     [&](const Pass &a, const Pass &b) { return key(a) < key(b); });
    return middle->set;
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

ResultDigest digest_of(const Result &result) {
    ResultDigester digester(result.columns());
    for (int row = 0; row < result.rows(); ++row) {
        for (int column = 0; column < result.columns(); ++column)
            digester.add_value(result.value(row, column), result.is_floating(column));
        digester.end_row();
    }
    if (result.columns() == 0)
        digester.set_rows(result.affected());
    return digester.digest();
}

ResultDigest digest_of_execution(ComparedSide &side, const PreparedQuery &query, std::size_t set) {
    set_run(side.connection, "");
    const ResultDigest digest = on(side, set, [&] { return digest_of(execute_query(side.connection, query, set, 0)); });
    set_run(side.connection, side.label);
    return digest;
}

InterleavedTimes measure_in_turns(ComparedSide &before, ComparedSide &after, const PreparedQuery &query, int samples,
                                  double budget_ms) {
    const auto passes = static_cast<std::size_t>((samples + 1) / 2);
    const std::size_t sets = query.sets.size();
    const auto set_of = [&](std::size_t pass) { return sets > passes ? pass * sets / passes : pass % sets; };
    std::vector<Pass> done;
    InterleavedTimes times;
    for (std::size_t pass = 0; pass < passes; ++pass) {
        if (pass % ((passes + sessions_most - 1) / sessions_most) == 0)
            for (ComparedSide *side : {&before, &after})
                side->renew();
        SetDigests digests;
        digests.set = set_of(pass);
        digests.before = digest_of_execution(before, query, digests.set);
        digests.after = digest_of_execution(after, query, digests.set);
        if (std::none_of(times.digests.begin(), times.digests.end(),
                         [&](const SetDigests &known) { return known.set == digests.set; }))
            times.digests.push_back(digests);
        done.push_back(run_pass(before, after, query, set_of(pass), budget_ms, pass % 2 == 0));
        times.before_ms.push_back(done.back().before.ms);
        times.after_ms.push_back(done.back().after.ms);
    }
    times.usual_set = usual_set(std::move(done));
    return times;
}

void capture_plan(ComparedSide &side, const PreparedQuery &query, std::size_t set, double budget_ms) {
    side.connection.execute("SET dbperf.capture_plans = 'all'; SET dbperf.capture_timing = on");
    on(side, set, [&] { return execute_query(side.connection, query, set, budget_ms); });
    side.connection.execute("SET dbperf.capture_plans = off; RESET dbperf.capture_timing");
}

} // namespace dbperf::client
