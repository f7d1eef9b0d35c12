// Owns the table of kinds of findings: all that the client knows of a kind by its name.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace dbperf::client::findings {

// What stands behind a finding, and is shown with it.
enum class Evidence { none, n_plus_one, deadlock, predicted_deadlock, comparison, times };

// When a report says that there is none of a kind.
enum class LookedFor { always, with_threshold, with_baseline, not_said };

struct Kind {
    std::string_view kind;      // as the server and the project file call it
    std::string_view title;     // above all of them
    int rank;                   // the lower comes first
    std::string_view rule;      // SARIF's
    std::string_view rule_text; // what it says when it is broken
    bool may_only_warn;         // if the project file says so
    LookedFor looked_for;
    Evidence evidence;
};

std::span<const Kind> all_kinds();

// What a newer server calls otherwise is a kind of the last rank, without rule and evidence.
Kind kind_of(std::string_view kind);

// The kinds that `warn_only` in a project file may name.
std::vector<std::string_view> kinds_that_may_only_warn();

} // namespace dbperf::client::findings
