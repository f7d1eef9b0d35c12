// Owns what a check looked at and how each of it was judged. The verdicts are the server's; which of them fail the
// check, the project says.
#pragma once

#include "compare/comparison.h"
#include "findings/call_site.h"
#include "findings/known_findings.h"
#include "run/run_report.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::findings {

enum class Outcome {
    broken,     // could not be measured: the command failed
    failed,     // stops a change
    warned,     // stops nothing
    not_judged, // too few samples
    known,      // of the baseline, and no worse than there
    possible,   // seen, and proves nothing
    passed,
};

struct Judgement {
    Outcome outcome = Outcome::passed;
    std::string kind;                // n_plus_one, slow_query, budget, regression, ...; command for the command itself
    std::string query;               // name or text; "" when it is about the whole run
    std::string reason;              // a sentence
    std::string severity = "notice"; // error, warning, notice: the server's word
    std::string cause, suggestion, call_site, database;
    std::string short_query, short_suggestion; // to be read: long lists as their number; "" for what is short
    std::string advice;                        // in words
    std::string index;                         // CREATE INDEX that planning found for its statement, or ""
    std::string metric;                        // of a budget
    std::string unit;                          // name of the unit of work that it is in, or ""
    std::string pattern;                       // of the budget of that unit, or ""
    std::string key;                           // what it is about, the same in every run
    std::string evidence;                      // id of the N+1, the deadlock or the predicted cycle, or ""
    SourceLine location;
    std::optional<KnownFinding> identity; // what it is called by in every run
    std::string fallback_file;            // where a format needs a place and none is known
    double price_ms = 0;                  // what it cost, where that is known
};

// What is to be read of it.
const std::string &shown_query(const Judgement &judgement);
const std::string &shown_suggestion(const Judgement &judgement);
// "app/list.py:42", what else a comment in the statement says of where it was sent from, or "".
std::string shown_place(const Judgement &judgement);

struct CheckReport {
    run::RunReport run;
    int command_status = 0;
    std::string baseline;      // label of a run
    std::string baseline_file; // of known findings
    bool only_new = false;     // findings of the baseline fail nothing
    std::optional<double> slow_query_threshold_ms;
    std::vector<Judgement> judgements;               // the worst first
    std::vector<compare::ComparedQuery> regressions; // only with a baseline

    bool passed() const; // whatever became of the command
    int count(Outcome outcome) const;
};

// The worst first: broken, failed, warned, not judged, known, possible, passed; what cost most before what cost less.
void sort_judgements(std::vector<Judgement> &judgements);

} // namespace dbperf::client::findings
