// Owns what is handed to the server for advice, and what it answers: statements with their frequencies, indexes by
// plans.
#pragma once

#include "postgres/connection.h"
#include "queries/query_runner.h"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::advise {

struct AdvisedWorkload {
    std::vector<postgres::Parameter> names, requests, calls, ms; // of one statement at one position
    std::map<std::string, double> calls_of;                      // of each name, all parameter sets together
};

// Monitored queries with up to five of their parameter sets, in a session on the database that is advised on.
AdvisedWorkload workload_of(postgres::Connection &database, const std::vector<queries::MonitoredQuery> &queries);

// What a run kept of the statements of a database. A name in one whose search_path was not kept is meant as sessions on
// that database mean it: `path` is theirs.
AdvisedWorkload workload_of_run(postgres::Connection &results, const std::string &label, const std::string &database,
                                const std::string &path);

struct PlannedIndex {
    std::string name;
    std::string table;
    std::string ddl;   // may be several statements, for partitions
    std::string build; // the same at once
    double size_bytes = 0;
    nlohmann::ordered_json queries = nlohmann::ordered_json::array(); // query, calls, cost_before, cost_after
    nlohmann::ordered_json writes = nlohmann::ordered_json::array();
};

struct PlannedAdvice {
    std::vector<PlannedIndex> indexes;
    nlohmann::ordered_json statements =
        nlohmann::ordered_json::array(); // query, cost_before, cost_after, reason, detail
    nlohmann::ordered_json existing =
        nlohmann::ordered_json::array(); // verdict, index, table, of, ddl, reason, size_bytes
};

struct AdviceBounds {
    std::optional<int> max_indexes;
    std::optional<long long> max_size; // bytes
};

// The indexes alone, best first.
std::vector<PlannedIndex> plan_indexes(postgres::Connection &database, const AdvisedWorkload &workload,
                                       const AdviceBounds &bounds);

PlannedAdvice plan_advice(postgres::Connection &database, const AdvisedWorkload &workload, const AdviceBounds &bounds);

// One that somebody else thought of: CREATE INDEX with a name. Throws a usage error.
PlannedIndex index_to_try(postgres::Connection &database, const std::string &ddl);

} // namespace dbperf::client::advise
