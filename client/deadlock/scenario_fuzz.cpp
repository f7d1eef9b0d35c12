// Scenarios of any text: permutations whose steps exist and come in the order of their sessions, or a usage error.
#include "deadlock/scenario.h"

#include "base/error.h"
#include "deadlock/scenario_list.h"

#include <fuzz/target.h>

#include <map>
#include <set>

using namespace dbperf::client::base;
using namespace dbperf::client::deadlock;

namespace {

void check_permutation(const DeadlockSpec &spec, const Permutation &permutation) {
    std::map<std::size_t, std::size_t> next;
    FUZZ_CHECK(!permutation.steps.empty());
    for (const StepReference &step : permutation.steps) {
        FUZZ_CHECK(step.session < spec.sessions.size() && step.step < spec.sessions[step.session].steps.size());
        FUZZ_CHECK(step.step >= next[step.session]);
        next[step.session] = step.step + 1;
    }
}

void check_spec(const DeadlockSpec &spec) {
    FUZZ_CHECK(!spec.permutations.empty() && !spec.sessions.empty());
    std::set<std::string> names;
    for (const SpecSession &session : spec.sessions) {
        FUZZ_CHECK(!session.steps.empty());
        for (const SpecStep &step : session.steps)
            FUZZ_CHECK(spec.labelled || names.insert(step.name).second);
    }
    for (const Permutation &permutation : spec.permutations)
        check_permutation(spec, permutation);
    check_permutation(spec, spec.control());
    FUZZ_CHECK(spec.control().control);
}

template <typename Parse>
void check(Parse parse) {
    try {
        parse();
    } catch (const Error &error) {
        FUZZ_CHECK(error.code() == ExitCode::usage && std::string_view(error.what()).starts_with("s.spec:"));
    }
}

} // namespace

FUZZ_PART(deadlock_spec) {
    const std::string text(input.rest());
    check([&] { check_spec(parse_deadlock_spec(text, "s.spec")); });
}

FUZZ_PART(scenario_list) {
    const std::string text(input.rest());
    check([&] {
        for (const DeadlockSpec &spec : parse_scenario_list(text, "s.spec"))
            check_spec(spec);
    });
}
