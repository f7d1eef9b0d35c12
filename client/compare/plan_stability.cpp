#include "compare/plan_stability.h"

namespace dbperf::client::compare {
using namespace base;
using namespace postgres;
using namespace queries;

namespace {

constexpr int analyses = 3;

std::string shape(Connection &results, Connection &connection, const PlannedQuery &planned) {
    try {
        return results
            .execute("SELECT dbperf.plan_shape($1::json)", {explain_query(connection, *planned.query, planned.set)})
            .text(0, 0);
    } catch (const Error &error) {
        if (error.code() == ExitCode::interrupted)
            throw;
        return ""; // what cannot be explained has no plan to move
    }
}

} // namespace

void vacuum_and_analyze(const ConnectionTarget &target) {
    Connection connection = Connection::open(target);
    connection.execute("SET default_transaction_read_only = off; SET statement_timeout = 0");
    connection.execute(R"(DO $$
DECLARE
    relation text;
BEGIN
    FOR relation IN
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
          FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
         WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND c.relpersistence OPERATOR(pg_catalog.<>) 't' AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
    LOOP
        BEGIN
            EXECUTE 'ALTER TABLE ' || relation || ' SET (autovacuum_enabled = off, toast.autovacuum_enabled = off)';
        EXCEPTION WHEN OTHERS THEN
            NULL; -- an event trigger may forbid it
        END;
    END LOOP;
END $$)");
    connection.execute("VACUUM ANALYZE");
}

std::vector<std::string> probe_plans(Connection &results, ComparedSide &before, ComparedSide &after,
                                     const std::vector<PlannedQuery> &queries) {
    std::vector<std::string> moved(queries.size());
    std::vector<std::size_t> doubtful;
    std::vector<std::string> shapes_before;
    std::vector<std::string> shapes_after;
    for (ComparedSide *side : {&before, &after}) {
        set_run(side->connection, "");
        side->connection.execute("SET statement_timeout = 0");
    }
    for (std::size_t i = 0; i < queries.size(); ++i) {
        shapes_before.push_back(queries[i].query ? shape(results, before.connection, queries[i]) : "");
        shapes_after.push_back(queries[i].query ? shape(results, after.connection, queries[i]) : "");
        if (shapes_before[i] != shapes_after[i])
            doubtful.push_back(i);
    }
    for (int analysis = 0; analysis < analyses && !doubtful.empty(); ++analysis) {
        before.connection.execute("ANALYZE");
        after.connection.execute("ANALYZE");
        for (const std::size_t i : doubtful) {
            const bool old_moved = shape(results, before.connection, queries[i]) != shapes_before[i];
            const bool new_moved = shape(results, after.connection, queries[i]) != shapes_after[i];
            if (old_moved || new_moved)
                moved[i] = std::string("ANALYZE alone changes the plan ") + (old_moved ? "before" : "after") +
                           " the migration";
        }
    }
    return moved;
}

} // namespace dbperf::client::compare
