#include "drive_interleaving.h"

#include <algorithm>
#include <utility>

namespace dbperf::client {
namespace {

constexpr std::size_t sessions_most = 20;

struct Pass {
    std::size_t set = 0;
    Measurement before, after; // the faster ones
};

void warm_up(ComparedSide &side, const PreparedQuery &query, std::size_t set, double budget_ms) {
    set_run(side.connection, "");
    execute_query(side.connection, query, set, budget_ms);
    set_run(side.connection, side.label);
}

Pass run_pass(ComparedSide &before, ComparedSide &after, const PreparedQuery &query, std::size_t set, double budget_ms,
              bool before_first) {
    const auto measure = [&](ComparedSide &side) {
        return measure_query(side.connection, query, set, budget_ms, side.executions);
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

ComparedSide::ComparedSide(std::string run_label, const ConnectionTarget &database)
    : label(std::move(run_label)), target(database), connection(Connection::open(database)) {
    begin_monitored_session(connection, label);
    connection.execute("SET dbperf.capture_plans = off");
}

void ComparedSide::renew() {
    *this = ComparedSide(label, target);
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
        for (ComparedSide *side : {&before, &after})
            warm_up(*side, query, set_of(pass), budget_ms);
        done.push_back(run_pass(before, after, query, set_of(pass), budget_ms, pass % 2 == 0));
        times.before_ms.push_back(done.back().before.ms);
        times.after_ms.push_back(done.back().after.ms);
    }
    times.usual_set = usual_set(std::move(done));
    return times;
}

void capture_plan(ComparedSide &side, const PreparedQuery &query, std::size_t set, double budget_ms) {
    side.connection.execute("SET dbperf.capture_plans = 'all'; SET dbperf.capture_timing = on");
    execute_query(side.connection, query, set, budget_ms);
    side.connection.execute("SET dbperf.capture_plans = off; RESET dbperf.capture_timing");
}

} // namespace dbperf::client
