// A simulated machine whose CPU is shared, and queries measured on it in turns, for tests of what verdicts are worth.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace dbperf::timing {

constexpr int look_passes = 20, max_look_rounds = 4;
constexpr double look_rounds_enough_ms = 50;

struct Session {
    double level = 1;
    bool cached = false; // the last execution on the machine was its own
};

// Times of one CPU that is shared: processes differ, caches are lost to whoever runs in between, and now and then
// another process takes the CPU, or its caches, for a while.
class BusyMachine {
public:
    explicit BusyMachine(unsigned seed) : random_(seed) {}

    double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
    double normal() { return normal_(random_); }

    Session connect() {
        pass_time(8);
        const bool unlucky = uniform(0, 1) < 0.1;
        return {std::exp(0.08 * normal()) * (unlucky ? 1.33 : 1), false};
    }

    double execute(Session &session, Session &other, double ms) {
        double took = ms * session.level * std::exp(0.1 * std::fabs(normal()));
        if (!session.cached)
            took *= uniform(1, 2);
        if (loaded_)
            took *= uniform(1, 2.5);
        if (uniform(0, 1) < (loaded_ ? 0.1 : 0.01) * (1 + ms))
            took += uniform(1, 12); // others get their slice
        session.cached = true;
        other.cached = false;
        pass_time(took + 0.3);
        return took;
    }

private:
    void pass_time(double ms) {
        for (left_ -= ms; left_ < 0; left_ += uniform(50, 500))
            loaded_ = !loaded_;
    }

    std::mt19937_64 random_;
    std::normal_distribution<double> normal_;
    bool loaded_ = false;
    double left_ = 100;
};

struct PairedTimes {
    std::vector<double> before, after;
};

// One look: passes of A B B A in new sessions, the fastest execution of each side, as dbperf compare measures.
inline void measure_in_turns(BusyMachine &machine, double ms, double factor, PairedTimes &pairs,
                             int passes = look_passes) {
    for (int pass = 0; pass < passes; ++pass) {
        const double work = ms * std::pow(3, pass % 5 - 2); // of this parameter set
        const bool before_first = pass % 2 == 0;
        Session outer = machine.connect(), inner = machine.connect();
        const double outer_ms = work * (before_first ? 1 : factor), inner_ms = work * (before_first ? factor : 1);
        machine.execute(inner, outer, inner_ms);
        machine.execute(outer, inner, outer_ms);
        double fastest_outer = HUGE_VAL, fastest_inner = HUGE_VAL, spent = 0;
        for (int round = 0; round < max_look_rounds && spent < look_rounds_enough_ms; ++round)
            for (const bool of_outer : {true, false, false, true}) {
                const double took =
                    of_outer ? machine.execute(outer, inner, outer_ms) : machine.execute(inner, outer, inner_ms);
                double &fastest = of_outer ? fastest_outer : fastest_inner;
                fastest = std::min(fastest, took);
                spent += took;
            }
        pairs.before.push_back(before_first ? fastest_outer : fastest_inner);
        pairs.after.push_back(before_first ? fastest_inner : fastest_outer);
    }
}

} // namespace dbperf::timing
