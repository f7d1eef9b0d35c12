// Owns the way of stored runs into a results database of its own. What belongs to a run and how it is stored, SQL says
// at both ends; here it is carried, in an order in which nothing is lost when it breaks off: a run's own row goes last.
#pragma once

#include "postgres/connection.h"

#include <string>
#include <vector>

namespace dbperf::client::results_database {

// Makes one of a database without a schema dbperf; false when it is one already.
bool create_results_database(const std::string &conninfo);

enum class ResultsAccess { sending, reading };

// Throws an environment error with a hint when it is none, of another version, or not for this role.
postgres::Connection open_results_database(const std::string &conninfo, ResultsAccess access);

// Of what the views show of one project: this one, or the only one that there is.
void choose_project(postgres::Connection &target, const std::string &project);

struct SentRun {
    std::string label;
    std::string run_id;
    long long rows = 0; // that were not there yet
};

struct SentRuns {
    std::vector<SentRun> sent;
    long long complete_before = 0; // of those asked for
};

// The finished runs that were measured on this server: the latest with this label, and those of its sizes; "" is all of
// all projects. Those that are complete at the target are skipped. May be called again whenever it was interrupted.
SentRuns send_runs(postgres::Connection &results, postgres::Connection &target, const std::string &label);

} // namespace dbperf::client::results_database
