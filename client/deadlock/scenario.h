// Owns the syntax of deadlock scenarios, which is that of PostgreSQL's isolation tester.
// Some words are added, as comments: "# dbperf: control" marks the next permutation as the one that takes the locks in
// one order; "# dbperf: expect deadlock" and "# dbperf: expect none" say how it must end.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::deadlock {

struct SpecStep {
    std::string name;
    std::string sql;
    int line = 0;
};

struct SpecSession {
    std::string name;
    std::string setup;
    std::vector<SpecStep> steps;
    std::string teardown;
};

struct StepReference {
    std::size_t session;
    std::size_t step;
};

struct Permutation {
    std::vector<StepReference> steps;
    bool control = false;
    int line = 0;
    std::optional<bool> expects_deadlock;
};

struct DeadlockSpec {
    std::string file;
    std::string name; // the file's name without folder and extension
    std::vector<std::string> setups;
    std::string teardown;
    std::vector<SpecSession> sessions;
    std::vector<Permutation> permutations; // never empty: without one, the sessions' steps take turns
    // Of a list of labelled scenarios: a step whose session still waits is postponed instead of being waited for,
    // errors other than a deadlock are part of the scenario, and nobody tries again.
    bool labelled = false;

    // The marked permutation, else the sessions one after the other.
    Permutation control() const;
};

// Throws a usage error that names file, line and what was expected.
DeadlockSpec parse_deadlock_spec(const std::string &text, const std::string &file);

DeadlockSpec load_deadlock_spec(const std::string &file);

} // namespace dbperf::client::deadlock
