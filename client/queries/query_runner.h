// Owns executing monitored queries: their parameters, their name and budget in the session, never a change left behind.
#pragma once

#include "postgres/connection.h"
#include "queries/query_file.h"
#include "queries/result_digest.h"
#include "queries/workload.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::queries {

// A monitored query together with the parameter sets of one database.
struct PreparedQuery {
    MonitoredQuery query;
    BoundStatement bound;
    std::vector<std::string> columns;                   // of the sets
    std::vector<std::vector<postgres::Parameter>> sets; // never empty
    std::vector<CapturedStatement> captured;            // of a statement of a run: one a set, in place of `bound`
};

// A monitored query that the server refused or cancelled. Its message names file and line, server_message() is the
// server's alone.
class QueryError : public base::Error {
public:
    QueryError(const std::string &message, const postgres::DatabaseError &cause);

    const std::string &server_message() const { return server_message_; }
    bool was_cancelled() const { return cancelled_; }

private:
    std::string server_message_;
    bool cancelled_;
};

// Executes the "-- params:" SELECT. Throws with file and line when it fails or gives no row.
PreparedQuery prepare_query(postgres::Connection &connection, MonitoredQuery query);

// Makes a session one that executes monitored queries of the labelled run and nothing else.
void begin_monitored_session(postgres::Connection &connection, const std::string &label);

// Observations of this session belong to no run, or to the labelled one again.
void set_run(postgres::Connection &connection, const std::string &label);

// Why a statement of a run is not executed again on this server, or "".
std::string refusal_of(postgres::Connection &connection, const CapturedStatement &statement);

// One execution with one parameter set, under the query's name and its latency budget (0: the slow query threshold
// counts), in a transaction that is rolled back, also when it fails. Gives what it returned. Throws a QueryError.
ResultDigest execute_query(postgres::Connection &connection, const PreparedQuery &query, std::size_t set,
                           double budget_ms);

// The same under settings of the planner that are named to be off.
ResultDigest execute_query_without(postgres::Connection &connection, const PreparedQuery &query, std::size_t set,
                                   std::span<const std::string_view> settings);

// What one execution took, by the server where it says so, else by this program's clock and without blocks.
struct Measurement {
    double ms = 0;
    double blocks = 0;
};

// execute_query in a session that belongs to a run. `number` is of the last execution that the server reported.
Measurement measure_query(postgres::Connection &connection, const PreparedQuery &query, std::size_t set,
                          double budget_ms, long long &number);

// execute_query for whoever waits for several sessions at once: the transaction, with what it takes from the query, and
// the query itself are sent, to be waited for and taken. "ROLLBACK" ends it, also after an error.
void send_begin(postgres::Connection &connection, const PreparedQuery &query, std::size_t set);
void send_query(postgres::Connection &connection, const PreparedQuery &query, std::size_t set);

// The parameters of a set, for people: "user_id = 5, day = null"; "" when there are none.
std::string parameters_in_words(const PreparedQuery &query, std::size_t set);

// The plan for one parameter set as EXPLAIN's JSON, without an execution.
std::string explain_query(postgres::Connection &connection, const PreparedQuery &query, std::size_t set);

// The budget that p95 is held against: the query's own, else the threshold; 0 when there is neither.
double latency_budget_ms(const MonitoredQuery &query, std::optional<double> threshold_ms);

// Makes these the only budgets of a query on the server.
void store_budgets(postgres::Connection &results, const std::string &query, const std::vector<Budget> &budgets);

// Makes the budgets of the files the budgets of the server, for these queries only.
void store_budgets(postgres::Connection &results, const std::vector<MonitoredQuery> &queries,
                   std::optional<double> threshold_ms);

} // namespace dbperf::client::queries
