#include "queries/workload_runner.h"

#include <fmt/format.h>

#include <utility>

namespace dbperf::client::queries {
using namespace base;
using namespace postgres;

namespace {

// What the server said against it, or "".
std::string error_of(Connection &connection, const PreparedQuery &query, std::size_t set) {
    try {
        execute_query(connection, query, set, 0);
        return "";
    } catch (const QueryError &error) {
        return error.server_message();
    }
}

PreparedQuery prepared(const CapturedQuery &query, const std::string &label) {
    PreparedQuery result;
    result.query.name = query.name;
    result.query.file = fmt::format("run:{}, {}", label, query.name);
    result.query.sql = query.executions.front().sql;
    result.captured = query.executions;
    for (const CapturedStatement &execution : query.executions)
        result.sets.push_back(execution.values);
    return result;
}

} // namespace

std::vector<PreparedQuery> prepare_workload(Connection &before, Connection &after, Workload &workload) {
    for (Connection *connection : {&before, &after})
        begin_monitored_session(*connection, "");
    std::vector<PreparedQuery> queries;
    std::string first_reason;
    bool any_refused = false;
    for (const CapturedQuery &captured : workload.queries) {
        const PreparedQuery all = prepared(captured, workload.label);
        CapturedQuery kept{captured.name, {}};
        std::string said;
        for (std::size_t i = 0; i < captured.executions.size(); ++i) {
            std::string reason = refusal_of(before, captured.executions[i]);
            any_refused = any_refused || !reason.empty();
            if (reason.empty()) {
                const std::string error = error_of(before, all, i);
                error_of(after, all, i);
                reason = error.empty() ? "" : "it fails: " + error;
            }
            if (reason.empty())
                kept.executions.push_back(captured.executions[i]);
            else if (said.empty())
                said = reason;
        }
        if (first_reason.empty())
            first_reason = said;
        const std::size_t failed = captured.executions.size() - kept.executions.size();
        if (failed > 0)
            workload.left_out.push_back({captured.name, kept.executions.empty()
                                                            ? said
                                                            : fmt::format("{} of its {} parameter sets: {}", failed,
                                                                          captured.executions.size(), said)});
        if (!kept.executions.empty())
            queries.push_back(prepared(kept, workload.label));
    }
    if (queries.empty())
        throw environment_error(
            fmt::format("no statement of the run \"{}\" can be executed again: {}", workload.label, first_reason),
            any_refused
                ? "a statement is executed only as the role it was seen from, for superusers and members of that role"
                : "the database must have the schema that the run was made on, and not what its statements inserted");
    return queries;
}

} // namespace dbperf::client::queries
