#include "drive_workload.h"

#include <fmt/format.h>

#include <utility>

namespace dbperf::client {
namespace {

// What the server said against it, or "".
std::string error_of(Connection &connection, const PreparedQuery &query, std::size_t set) {
    try {
        execute_query(connection, query, set, 0);
        return "";
    } catch (const QueryError &error) {
        return error.told();
    }
}

PreparedQuery prepared(const CapturedQuery &query, const std::string &label) {
    PreparedQuery result;
    result.query.name = query.name;
    result.query.file = fmt::format("run:{}, {}", label, query.name);
    result.query.sql = query.executions.front().sql;
    result.captured = query.executions;
    for (const CapturedExecution &execution : query.executions)
        result.sets.push_back(execution.values);
    return result;
}

} // namespace

std::vector<PreparedQuery> prepare_workload(Connection &before, Connection &after, Workload &workload) {
    for (Connection *connection : {&before, &after})
        begin_monitored_session(*connection, "");
    std::vector<PreparedQuery> queries;
    std::string first_error;
    for (const CapturedQuery &captured : workload.queries) {
        const PreparedQuery all = prepared(captured, workload.label);
        CapturedQuery kept{captured.name, {}};
        std::string said;
        for (std::size_t i = 0; i < captured.executions.size(); ++i) {
            const std::string error = error_of(before, all, i);
            error_of(after, all, i);
            if (error.empty())
                kept.executions.push_back(captured.executions[i]);
            else if (said.empty())
                said = error;
        }
        if (first_error.empty())
            first_error = said;
        const std::size_t failed = captured.executions.size() - kept.executions.size();
        if (kept.executions.empty())
            workload.left_out.push_back({captured.name, "it fails: " + said});
        else if (failed > 0)
            workload.left_out.push_back({captured.name, fmt::format("{} of its {} parameter sets: they fail: {}",
                                                                    failed, captured.executions.size(), said)});
        if (!kept.executions.empty())
            queries.push_back(prepared(kept, workload.label));
    }
    if (queries.empty())
        throw environment_error(
            fmt::format("no statement of the run \"{}\" can be executed again: {}", workload.label, first_error),
            "the database must have the schema that the run was made on, and not what its statements inserted");
    return queries;
}

} // namespace dbperf::client
