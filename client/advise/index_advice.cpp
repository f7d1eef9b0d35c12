#include "advise/index_advice.h"

#include "advise/advised_workload.h"
#include "advise/index_proof.h"
#include "base/error.h"
#include "base/file_text.h"
#include "compare/plan_stability.h"
#include "postgres/clone_claim.h"
#include "postgres/installed_dbperf.h"
#include "postgres/temporary_database.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace dbperf::client::advise {
using namespace base;
using namespace compare;
using namespace postgres;
using namespace terminal;

namespace {

// Its functions are to be had in the copy, whether the database has them or not.
void need_extension(Connection &copy) {
    try {
        copy.execute("CREATE EXTENSION IF NOT EXISTS dbperf");
    } catch (const DatabaseError &error) {
        throw environment_error(fmt::format("the copy has no extension dbperf: {}", error.what()),
                                "create it in the database that is advised on, or connect as a superuser");
    }
}

struct Planned {
    PlannedAdvice advice;
    AdvisedWorkload workload;
};

// In a copy that is freshly analyzed, and dropped again.
Planned plan(const ConnectionTarget &target, const AdviceRequest &request, const std::string &from,
             Progress &progress) {
    const std::string maintenance = maintenance_database(target, from);
    const ConnectionTarget maintenance_target = target.with_database(maintenance);
    drop_stale_clones(maintenance_target);
    const CloneClaim claim(maintenance_target);
    progress.show(fmt::format("copying {}", from));
    const TemporaryDatabase copy(target, maintenance, claim.name() + "_before", from);
    Planned planned;
    progress.show("analyzing the copy");
    vacuum_and_analyze(copy.target());
    Connection database = Connection::open(copy.target());
    database.execute("SET dbperf.enabled = off");
    need_extension(database);
    if (request.run.empty()) {
        planned.workload = workload_of(database, request.queries);
    } else {
        Connection results = open_results(target);
        planned.workload = workload_of_run(results, request.run, from, database.default_path());
    }
    if (!request.statistics.empty()) {
        database.execute("SELECT dbperf.import_statistics('advice', $1::jsonb)", {read_file(request.statistics)});
        database.execute("SET dbperf.statistics = 'advice'");
    }
    progress.show("planning");
    planned.advice = plan_advice(database, planned.workload, request.bounds);
    if (!request.indexes.empty()) {
        planned.advice.indexes.clear();
        for (const std::string &ddl : request.indexes)
            planned.advice.indexes.push_back(index_to_try(database, ddl));
    }
    return planned;
}

} // namespace

AdviceReport advise_indexes(const ConnectionTarget &target, const AdviceRequest &request, Progress &progress) {
    AdviceReport report;
    report.database = request.from;
    {
        Connection first = Connection::open(target);
        require_dbperf(first);
        if (report.database.empty())
            report.database = first.database();
    }
    // A run that does not fit is reported before anything is copied.
    if (!request.run.empty()) {
        Connection results = open_results(target);
        workload_of_run(results, request.run, report.database, "");
    }
    Planned planned = plan(target, request, report.database, progress);
    report.existing = std::move(planned.advice.existing);
    report.statements = nlohmann::ordered_json::array();
    for (const auto &each : planned.advice.statements)
        if (!each.at("reason").is_null())
            report.statements.push_back(each);
    if (!request.statistics.empty()) {
        for (PlannedIndex &index : planned.advice.indexes)
            report.indexes.push_back(
                {std::move(index), "planned", "planned with the statistics of the file, not measured", {}, {}});
    } else if (!planned.advice.indexes.empty()) {
        ComparisonRequest measured;
        measured.from = report.database;
        measured.queries = request.queries;
        measured.workload = request.run;
        measured.samples = request.samples;
        measured.statement_timeout = request.statement_timeout;
        measured.threshold_ms = request.threshold_ms;
        report.indexes = prove(target, planned.advice.indexes, planned.workload.calls_of, measured, progress);
    }
    progress.clear();
    return report;
}

} // namespace dbperf::client::advise
