#include "findings/kinds.h"

#include <algorithm>
#include <array>

namespace dbperf::client::findings {
namespace {

constexpr int last_rank = 6;

constexpr std::array<Kind, 11> kinds = {{
    {"deadlock", "Deadlocks", 0, "Deadlock", "Transactions waited for each other in a cycle.", true,
     LookedFor::not_said, Evidence::deadlock},
    {"lock_cycle", "Predicted deadlocks", 1, "LockCycle",
     "Transactions take locks in orders that can end in a deadlock.", true, LookedFor::not_said,
     Evidence::predicted_deadlock},
    {"regression", "Regressions", 2, "Regression", "A query got worse than in the baseline.", true,
     LookedFor::with_baseline, Evidence::comparison},
    {"n_plus_one", "N+1 queries", 3, "NPlusOne", "A statement is executed once for each row that another one returned.",
     true, LookedFor::always, Evidence::n_plus_one},
    {"slow_query", "Slow queries", 4, "SlowQuery", "A statement takes longer than slow_query_threshold_ms.", true,
     LookedFor::with_threshold, Evidence::times},
    {"budget", "Budgets", 5, "BudgetViolated", "A query does not keep its budget.", true, LookedFor::not_said,
     Evidence::times},
    {"stale_acceptance", "Stale acceptances", last_rank, "StaleAcceptance",
     "An accepted regression does not happen any more.", false, LookedFor::not_said, Evidence::none},
    {"stale_acknowledgement", "Stale acknowledgements", last_rank, "StaleAcknowledgement",
     "An acknowledged repetition does not happen any more.", false, LookedFor::not_said, Evidence::none},
    {"stale_baseline", "Stale lines of the baseline", last_rank, "StaleBaseline",
     "A finding of the baseline does not occur any more, or got better.", false, LookedFor::not_said, Evidence::none},
    {"incomplete", "What the run could not keep", last_rank, "RunIncomplete",
     "The run could not keep all that was observed: a setting is too low.", false, LookedFor::not_said, Evidence::none},
    {"command", "The command", last_rank, "CommandFailed",
     "The command under observation failed, so the run is not complete.", false, LookedFor::not_said, Evidence::none},
}};

} // namespace

std::span<const Kind> all_kinds() {
    return kinds;
}

Kind kind_of(std::string_view kind) {
    const auto *found = std::find_if(kinds.begin(), kinds.end(), [&](const Kind &each) { return each.kind == kind; });
    return found == kinds.end() ? Kind{kind, kind, last_rank, {}, {}, false, LookedFor::not_said, Evidence::none}
                                : *found;
}

std::vector<std::string_view> kinds_that_may_only_warn() {
    std::vector<std::string_view> names;
    for (const Kind &each : kinds)
        if (each.may_only_warn)
            names.push_back(each.kind);
    return names;
}

} // namespace dbperf::client::findings
