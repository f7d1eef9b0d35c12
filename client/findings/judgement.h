// Owns what a check looked at and how each of it was judged. The verdicts are the server's; which of them fail the
// check, the project says.
#pragma once

#include "compare/comparison.h"
#include "postgres/connection.h"
#include "queries/query_file.h"
#include "run/run_report.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::findings {

enum class Outcome {
    broken,     // could not be measured: the command failed
    failed,     // stops a change
    warned,     // stops nothing
    not_judged, // too few samples
    passed,
};

struct SourceLine {
    std::string file; // "": not known
    int line = 0;     // 1-based, 0: not known
};

struct Judgement {
    Outcome outcome = Outcome::passed;
    std::string kind;                // n_plus_one, slow_query, budget, regression, ...; command for the command itself
    std::string query;               // name or text; "" when it is about the whole run
    std::string reason;              // a sentence
    std::string severity = "notice"; // error, warning, notice: the server's word
    std::string cause, suggestion, call_site, database;
    std::string metric;   // of a budget
    std::string key;      // what it is about, the same in every run
    std::string evidence; // id of the N+1, the deadlock or the predicted cycle, or ""
    SourceLine place;
    double price_ms = 0; // what it cost, where that is known
};

struct CheckReport {
    run::RunReport run;
    int command_status = 0;
    std::string baseline;
    std::optional<double> slow_query_threshold_ms;
    std::vector<Judgement> judgements;               // the worst first
    std::vector<compare::ComparedQuery> regressions; // only with a baseline

    bool passed() const; // whatever became of the command
    int count(Outcome outcome) const;
};

struct CheckRequest {
    std::string label;    // "" is the latest finished run
    std::string baseline; // "" without
    std::optional<double> slow_query_threshold_ms;
    std::vector<std::string> warn_only;           // kinds that fail nothing
    std::vector<queries::MonitoredQuery> queries; // to know in which files they stand
    std::string root;                             // of the repository; files below it are told relative to it
    int command_status = 0;
};

// Throws an environment error when a run is not known.
CheckReport load_check(postgres::Connection &results, const CheckRequest &request);

// Below the root without it, elsewhere as it is.
std::string path_below(const std::string &root, const std::string &file);

// The worst first: broken, failed, warned, not judged, passed; what cost most before what cost less.
void sort_judgements(std::vector<Judgement> &judgements);

// Where a statement was sent from, if its sqlcommenter keys say so: source_location, line, file, caller.
SourceLine line_of_call_site(std::string_view call_site);

} // namespace dbperf::client::findings
