// Owns what a stored run holds, as the dbperf views have it.
#pragma once

#include "postgres/connection.h"
#include "queries/unit_budget.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::run {

struct NPlusOne {
    std::string scope, kind, confidence, query, key_column, parent_query, parent_relation, parent_column, suggestion;
    std::string finding_id, call_site, mapper_advice, advice;
    std::string short_query, short_parent_query, short_suggestion; // to be read: long lists as their number
    long long calls = 0, distinct_keys = 0, backends = 0, units = 0, unit_calls_min = 0, unit_calls_max = 0;
    double exec_ms = 0, wait_ms = 0;
    std::string traceparent; // of the loop that was first seen, "" if none
    long long first_us = 0;  // when that was, since 1970
};

// What the suggested statement would save, as measured by the server.
struct SuggestionMeasurement {
    long long keys = 0, original_blocks = 0, suggestion_blocks = 0;
    double original_ms = 0, suggestion_ms = 0, factor = 0;
    bool same_rows = false;
};

struct StatementFigures {
    std::string query_name, query;
    long long calls = 0, over_budget = 0;
    double mean_ms = 0, p95_ms = 0, max_ms = 0, total_ms = 0;
};

struct BudgetVerdict {
    std::string query, metric, verdict, reason; // verdict: violated, ok, not_enough_samples
    std::optional<double> budget, measured;
    long long calls = 0, calls_over = 0;
};

struct StoredFinding {
    std::string kind, severity, query, reason, database;
    bool gate = false, acknowledged = false;
    std::string fingerprint, cause, suggestion, call_site, metric; // "" where there is none
    std::string short_query, short_suggestion, mapper_advice, advice;
    std::string confidence; // proven, likely, possible, or ""
    std::string evidence;   // id of the N+1, the deadlock or the predicted cycle, or ""
    std::string key;        // what dbperf.finding_key() calls it by, a JSON object, or ""
    std::string unit;       // name of the unit of work that it is in, or ""
    std::string pattern;    // of the unit's budget, or ""
    std::string details;    // all that the server knows of it, a JSON object
    double price_ms = 0;    // executing and waiting, or what it takes longer, where that is known
};

// Fewest, median and most of one occurrence.
struct Spread {
    double least = 0, median = 0, most = 0;
};

// What a unit of work did.
struct UnitFigures {
    std::string name;  // "": all that found no room
    std::string scope; // what findings call it
    long long occurrences = 0, statements = 0, rows = 0;
    double exec_ms = 0, wait_ms = 0;
    Spread statement_counts, distinct_statements, row_counts, exec_times, wait_times; // times in ms
    long long findings = 0;                                                           // that name it
};

struct StatementCount {
    std::string fingerprint, query; // query is "" when its text was not kept
    long long calls = 0, rows = 0;
};

// What a run could not keep for want of room.
struct Dropped {
    std::string item, setting, reason; // reason: a sentence with the count and what to raise
    long long count = 0;
};

struct RunReport {
    std::string label, state, run_id, started_at, finished_at;
    double seconds = 0;
    long long calls = 0, statements = 0, plans = 0;
    std::vector<NPlusOne> n_plus_one;
    std::vector<StatementFigures> slow;
    std::vector<BudgetVerdict> budgets;
    std::vector<UnitFigures> units; // those with findings first, then what took longest
    std::vector<StoredFinding> findings;
    std::vector<Dropped> dropped;
};

// What a run is judged by besides what was found in it.
struct Yardsticks {
    std::string baseline;               // label of a run; "": none
    std::optional<double> threshold_ms; // of slow queries
    std::vector<queries::UnitBudget> unit_budgets{};
};

// The latest run of this label, or with "" the one that was finished last. Throws when there is none.
RunReport load_run_report(postgres::Connection &results, const std::string &label, const Yardsticks &yardsticks = {});

// Throws as load_run_report does.
void require_run(postgres::Connection &results, const std::string &label);

bool is_run(postgres::Connection &results, const std::string &label);

// The findings of a finished run as dbperf.known_findings() has them, a JSON object each.
std::vector<std::string> load_known_findings(postgres::Connection &results, const std::string &label,
                                             const Yardsticks &yardsticks);
// The server's dbperf.project.
std::string load_project(postgres::Connection &results);

// What the run with this label could not keep, in sentences that name it.
std::vector<Dropped> load_dropped(postgres::Connection &results, const std::string &label);

// The figures of named statements of a run.
std::vector<StatementFigures> load_named_statements(postgres::Connection &results, const std::string &label);

std::vector<NPlusOne> load_n_plus_one(postgres::Connection &results, const std::string &label);
// Executes the original calls and the suggestion in the database of this connection; nothing when there is nothing to
// execute.
std::optional<SuggestionMeasurement> measure_suggestion(postgres::Connection &results, const NPlusOne &found);

std::vector<BudgetVerdict> load_budget_verdicts(postgres::Connection &results, const std::string &label);

// The server's dbperf.n_plus_one_threshold.
long long threshold_of_repetition(postgres::Connection &results);

// What a run executed at top level, whoever did and in whichever database.
std::vector<StatementCount> load_statement_counts(postgres::Connection &results, const std::string &label);

} // namespace dbperf::client::run
