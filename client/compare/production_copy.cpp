#include "compare/production_copy.h"

#include "base/error.h"
#include "base/interrupt.h"
#include "compare/lost_statistics.h"
#include "compare/production_estimate.h"
#include "migration/apply_migration.h"

#include <fmt/format.h>

namespace dbperf::client::compare {
using namespace base;
using namespace migration;
using namespace postgres;
using namespace queries;
using namespace terminal;

namespace {

constexpr const char *statistics_name = "production";

void write_into_catalogs(Connection &connection, const std::string &document) {
    connection.execute("SET default_transaction_read_only = off; SET statement_timeout = 0");
    connection.execute("CREATE EXTENSION IF NOT EXISTS dbperf");
    connection.execute("ANALYZE"); // what the sizes of here are
    try {
        connection.execute("SELECT dbperf.import_statistics($1, $2::jsonb)", {statistics_name, document});
        connection.execute("SELECT dbperf.write_statistics($1)", {statistics_name});
    } catch (const DatabaseError &error) {
        if (error.sqlstate().empty())
            throw;
        throw environment_error(fmt::format("the statistics cannot be used: {}", error.what()), error.hint());
    }
}

std::vector<std::string> what_is_missing(Connection &connection) {
    const Result found = connection.execute(
        "SELECT pg_catalog.concat_ws('.', i.schema, i.relation, i.object) AS object, i.kind, i.reason"
        " FROM dbperf.imported_statistics i WHERE i.name = $1 AND NOT i.used ORDER BY 1",
        {statistics_name});
    std::vector<std::string> missing;
    for (int row = 0; row < found.rows(); ++row)
        missing.push_back(
            fmt::format("{} {}: {}", found.text(row, "kind"), found.text(row, "object"), found.text(row, "reason")));
    return missing;
}

// A session that plans as the application's would, with statistics that are in the catalogs.
Connection open_planner(const ConnectionTarget &copy) {
    Connection connection = Connection::open(copy);
    connection.execute("SET dbperf.n_plus_one = off");
    connection.execute(fmt::format("SET dbperf.statistics = {}", connection.quote_text(statistics_name)));
    return connection;
}

StatePlan plan(Connection &connection, Connection &home, const PreparedQuery &query, std::size_t set) {
    StatePlan state;
    try {
        state = state_plan(explain_query(connection, query, set));
        state.shape = home.execute("SELECT dbperf.plan_shape($1::json)", {state.plan}).text(0, 0);
    } catch (const Error &error) {
        if (error.code() == ExitCode::interrupted)
            throw;
        const auto *refused = dynamic_cast<const QueryError *>(&error);
        state = {};
        state.error = refused ? refused->server_message() : error.what();
    }
    return state;
}

void plan_all(const ConnectionTarget &copy, const std::vector<PreparedQuery> &queries, StatePlan SetPlans::*state,
              std::vector<ProductionQuery> &into) {
    Connection connection = open_planner(copy);
    Connection home = Connection::open(copy);
    into.resize(queries.size());
    for (std::size_t i = 0; i < queries.size(); ++i) {
        into[i].sets.resize(queries[i].sets.size());
        for (std::size_t set = 0; set < queries[i].sets.size(); ++set) {
            throw_if_interrupted();
            into[i].sets[set].parameters = parameters_in_words(queries[i], set);
            into[i].sets[set].*state = plan(connection, home, queries[i], set);
        }
    }
}

std::vector<PossibleCause> causes_of(const MigrationEffect &effect) {
    std::vector<PossibleCause> causes;
    for (const AppliedStatement &statement : effect.statements) {
        PossibleCause cause{statement.sql, {}};
        for (const ChangedFile &file : statement.files)
            cause.tables.push_back(file.table);
        for (const TableLock &lock : statement.locks)
            if (lock_strength(lock.mode) > lock_strength("RowShareLock"))
                cause.tables.push_back(lock.table);
        causes.push_back(std::move(cause));
    }
    return causes;
}

} // namespace

ProductionOutcome plan_as_production(const ConnectionTarget &copy, const ConnectionTarget &other_database,
                                     const ProductionRequest &request, const std::vector<Migration> &migrations,
                                     const std::vector<PreparedQuery> &queries, Progress &progress) {
    ProductionOutcome outcome;
    progress.show("writing production's statistics");
    Connection home = Connection::open(copy);
    write_into_catalogs(home, request.statistics);
    outcome.missing = what_is_missing(home);
    const std::map<std::string, std::string> known = columns_with_statistics(home);
    const ProductionSizes sizes = production_sizes(home, statistics_name);
    progress.show("planning as in production");
    plan_all(copy, queries, &SetPlans::before, outcome.queries);
    const MigrationEffect effect = apply_migrations(copy, other_database, migrations, request.lock_timeout, progress);
    outcome.lost = lost_statistics(home, known);
    progress.show("planning as in production after the migration");
    plan_all(copy, queries, &SetPlans::after, outcome.queries);
    home.execute("ANALYZE");
    home.execute("SELECT dbperf.rewrite_statistics($1)", {statistics_name});
    plan_all(copy, queries, &SetPlans::analyzed, outcome.queries);
    const std::vector<PossibleCause> causes = causes_of(effect);
    for (ProductionQuery &query : outcome.queries)
        query.judged = judge_production(query.sets, outcome.lost, causes);
    progress.show("measuring what the migration costs a row");
    outcome.statements = estimate_statements(effect, sizes, measure_rates(home));
    return outcome;
}

} // namespace dbperf::client::compare
