#include "deadlock/migration_deadlocks.h"

#include "base/error.h"
#include "base/json_value.h"
#include "deadlock/cycle_confirmation.h"
#include "deadlock/lock_cycle_text.h"
#include "migration/apply_migration.h"
#include "postgres/clone_claim.h"
#include "postgres/installed_dbperf.h"
#include "postgres/temporary_database.h"
#include "terminal/table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <regex>

namespace dbperf::client::deadlock {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace migration;

namespace {

// Executes the migration where everything it locks is seen, in a run of its own; gives that run's id.
std::string trace_migration(const ConnectionTarget &target, const MigrationDeadlockRequest &request,
                            const std::string &label) {
    const std::string maintenance = maintenance_database(target, request.from);
    const CloneClaim claim(target.with_database(maintenance));
    const TemporaryDatabase clone(target, maintenance, claim.name() + "_locks", request.from);
    {
        Connection connection = Connection::open(clone.target());
        connection.keep_settings(
            "SET dbperf.n_plus_one = off; SET dbperf.capture_plans = off; SET dbperf.track_locks = on;"
            " SET dbperf.keep_parameters = on; SET default_transaction_read_only = off");
        connection.keep_settings("SET lock_timeout = " + connection.quote_text(request.lock_timeout));
        connection.keep_settings("SET dbperf.run = " + connection.quote_text(label));
        for (const Migration &each : request.migrations)
            apply_migration(connection, each);
    }
    Connection results = open_results(target);
    return results.execute("SELECT dbperf.finish_run($1)", {label}).text(0, 0);
}

struct Step {
    int member = 0;
    std::string query, target, relation, mode, role;
};

std::vector<Step> parse_steps(const std::string &json) {
    std::vector<Step> steps;
    for (const nlohmann::json &object : nlohmann::json::parse(json))
        steps.push_back({object.at("member").get<int>(), member_text(object, "query"), member_text(object, "target"),
                         member_text(object, "relation"), member_text(object, "mode"), member_text(object, "role")});
    return steps;
}

// What to do: the order of the application is that in which the migration should lock, if it waits at all.
std::string advice_of(const std::string &statement, const std::vector<std::string> &tables) {
    static const std::regex adds_key("\\b(FOREIGN\\s+KEY|REFERENCES)\\b", std::regex::icase);
    static const std::regex not_valid("\\bNOT\\s+VALID\\b", std::regex::icase);
    static const std::regex validates("\\bVALIDATE\\s+CONSTRAINT\\b", std::regex::icase);
    std::string text;
    if (std::regex_search(statement, adds_key) && !std::regex_search(statement, not_valid))
        text = "Add the constraint NOT VALID, and VALIDATE CONSTRAINT in a transaction of its own: then the locks are "
               "held for a "
               "moment, not while all rows are checked. ";
    else if (std::regex_search(statement, validates))
        text = "Have VALIDATE CONSTRAINT in a transaction of its own. ";
    if (tables.size() > 1)
        text += fmt::format(
            "Lock first what the application locks first: LOCK TABLE {}, {} IN {} MODE at the beginning of the "
            "transaction. ",
            tables[0], tables[1], std::regex_search(statement, adds_key) ? "SHARE ROW EXCLUSIVE" : "ACCESS EXCLUSIVE");
    return text + "Set lock_timeout below deadlock_timeout, and try again when it strikes: then the migration gives "
                  "way, not the "
                  "application.";
}

MigrationDeadlock describe(PredictedCycle cycle, const std::vector<Step> &steps) {
    MigrationDeadlock made{std::move(cycle), {}, {}, {}};
    std::vector<std::string> tables; // that the application holds, then requests
    for (const std::string_view role : {"holds", "requests"})
        for (const Step &step : steps) {
            const auto number = static_cast<std::size_t>(step.member - 1);
            const bool migrates = number < made.cycle.members.size() && made.cycle.members[number].migrates;
            if (step.role != role)
                continue;
            if (migrates && role == "requests")
                made.statement = step.query;
            if (!migrates && !step.relation.empty() && std::count(tables.begin(), tables.end(), step.relation) == 0)
                tables.push_back(step.relation);
        }
    for (const Step &step : steps) {
        const auto number = static_cast<std::size_t>(step.member - 1);
        if (number < made.cycle.members.size() && !made.cycle.members[number].migrates &&
            (made.transaction.empty() || made.transaction.back() != step.query))
            made.transaction.push_back(step.query);
    }
    made.advice = advice_of(made.statement, tables);
    return made;
}

// What comes before the statement in files of their own has been committed by then.
std::vector<Migration> applied_before(const MigrationDeadlock &deadlock, const std::vector<Migration> &migrations) {
    std::string last;
    for (const ReplayMember &member : deadlock.cycle.members)
        if (member.migrates && !member.statements.empty())
            last = member.statements.back().sql;
    std::vector<Migration> before;
    for (const Migration &each : migrations) {
        for (const MigrationStatement &statement : each.statements)
            if (!last.empty() && statement.sql.find(last) != std::string::npos)
                return before;
        before.push_back(each);
    }
    return {};
}

void load_deadlocks(const ConnectionTarget &target, const std::string &from, const std::string &application,
                    const std::string &tried, MigrationDeadlocks *found) {
    Connection results = open_results(target);
    results.execute("SELECT dbperf.match_locks($1::pg_catalog.uuid, $2::pg_catalog.uuid, $3)",
                    {application, tried, from});
    const Result rows = results.execute("SELECT cycle_id::pg_catalog.text AS id, steps FROM dbperf.lock_cycles WHERE "
                                        "run_id = $1::pg_catalog.uuid AND database = $2",
                                        {tried, from});
    for (PredictedCycle &cycle : load_lock_cycles(results, found->run)) {
        if (cycle.database != from)
            continue;
        std::vector<Step> steps;
        for (int row = 0; row < rows.rows(); ++row)
            if (rows.text(row, "id") == cycle.id)
                steps = parse_steps(rows.text(row, "steps"));
        found->deadlocks.push_back(describe(std::move(cycle), steps));
    }
}

} // namespace

MigrationDeadlocks find_migration_deadlocks(const ConnectionTarget &target, const MigrationDeadlockRequest &request,
                                            Progress &progress) {
    MigrationDeadlocks found;
    std::string application;
    bool knows_locks = false;
    { // nobody may be connected to a database that is copied
        Connection results = open_results(target);
        application = results.execute("SELECT dbperf.find_run($1)", {request.workload}).text(0, 0);
        knows_locks = results
                          .execute("SELECT count(*) AS n FROM dbperf.lock_trace WHERE run_id = $1::pg_catalog.uuid AND "
                                   "database = $2",
                                   {application, request.from})
                          .integer(0, "n") > 0;
    }
    if (!knows_locks) {
        found.reason = fmt::format("run {} knows nothing of what transactions lock: set dbperf.track_locks = on in it",
                                   request.workload);
        return found;
    }
    progress.show("following what the migration locks");
    found.run = fmt::format("{} against {}", std::filesystem::path(request.migrations.front().file).filename().string(),
                            request.workload);
    const std::string tried = trace_migration(target, request, found.run);
    load_deadlocks(target, request.from, application, tried, &found);
    if (!request.confirm)
        return found;
    std::size_t number = 0;
    for (MigrationDeadlock &each : found.deadlocks) {
        progress.show(fmt::format("predicted deadlock {} of {}", ++number, found.deadlocks.size()));
        const std::vector<Migration> before = applied_before(each, request.migrations);
        confirm_cycle(target, found.run, &each.cycle, request.step_timeout_s, [&before](Connection &connection) {
            for (const Migration &migration : before)
                apply_migration(connection, migration);
            connection.begin_anew();
        });
    }
    progress.clear();
    return found;
}

long long count_confirmed(const MigrationDeadlocks &found) {
    return std::count_if(found.deadlocks.begin(), found.deadlocks.end(),
                         [](const MigrationDeadlock &each) { return each.cycle.status == "confirmed"; });
}

std::string render_migration_deadlocks(const MigrationDeadlocks &found, const Style &style) {
    std::string text = heading(style, "Deadlocks with the application");
    if (!found.reason.empty())
        return text + paragraph(style, 2, "unknown", one_line(found.reason));
    if (found.deadlocks.empty())
        return text + "  none is predicted\n";
    for (const MigrationDeadlock &each : found.deadlocks) {
        text += paragraph(style, 2, each.cycle.status, one_line(each.cycle.description));
        text += paragraph(style, 2, "migration", one_line(each.statement));
        std::string statements;
        for (const std::string &statement : each.transaction)
            statements += (statements.empty() ? "" : "; ") + one_line(statement);
        text += paragraph(style, 2, "application", statements);
        if (!each.cycle.outcome.empty())
            text += paragraph(style, 2, "outcome", one_line(each.cycle.outcome));
        text += paragraph(style, 2, "advice", each.advice);
    }
    return text;
}

nlohmann::ordered_json migration_deadlocks_json(const MigrationDeadlocks &found) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const MigrationDeadlock &each : found.deadlocks)
        list.push_back({{"status", each.cycle.status},
                        {"confidence", each.cycle.confidence},
                        {"description", each.cycle.description},
                        {"statement", each.statement},
                        {"transaction", each.transaction},
                        {"outcome", each.cycle.outcome},
                        {"advice", each.advice},
                        {"cycle_id", each.cycle.id}});
    nlohmann::ordered_json answer = {{"run", found.run}, {"deadlocks", list}};
    if (!found.reason.empty())
        answer["reason"] = found.reason;
    return answer;
}

} // namespace dbperf::client::deadlock
