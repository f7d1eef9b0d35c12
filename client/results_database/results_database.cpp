#include "results_database/results_database.h"

#include "base/interrupt.h"
#include "results_database/results_database_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace dbperf::client::results_database {
using namespace base;
using namespace postgres;

namespace {

constexpr int results_version = 1;
constexpr int rows_at_once = 200;
constexpr int max_attempts = 10;
constexpr std::size_t batch_bytes = 4000000;

// Sqlstates of what is not there: schema, function, table.
bool is_missing(const std::string &sqlstate) {
    return sqlstate == "3F000" || sqlstate == "42883" || sqlstate == "42P01";
}

// Whatever becomes of the work in it, nothing was changed and the connection is as before.
class ReadOnlyTransaction {
public:
    explicit ReadOnlyTransaction(Connection &connection) : connection_(connection) {
        connection_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    }
    ~ReadOnlyTransaction() {
        const InterruptShield shield;
        try {
            connection_.execute("ROLLBACK");
        } catch (const std::exception &) {
            // it ended with its connection
        }
    }
    ReadOnlyTransaction(const ReadOnlyTransaction &) = delete;
    ReadOnlyTransaction &operator=(const ReadOnlyTransaction &) = delete;

private:
    Connection &connection_;
};

Connection connect(const std::string &conninfo) {
    try {
        return Connection::open(connection_target(conninfo));
    } catch (const DatabaseError &error) {
        throw environment_error(fmt::format("the results database: {}", error.what()),
                                "name it with --results-db or DBPERF_RESULTS_DATABASE_URL, its password in .pgpass");
    }
}

void require_version(Connection &target, const std::string &database) {
    const int found =
        static_cast<int>(target.execute("SELECT dbperf.results_version() AS version").integer(0, "version"));
    if (found == results_version)
        return;
    throw environment_error(
        fmt::format("the results database \"{}\" has version {}, this program needs {}", database, found,
                    results_version),
        found > results_version
            ? "use the program and the extension of the dbperf that made it"
            : "let `dbperf push --init` make another one with this program, and send the runs there with --all");
}

// A JSON list of objects that are JSON already, so that no number passes through this program's own types.
std::string json_list(const std::vector<std::string> &objects) {
    return fmt::format("[{}]", fmt::join(objects, ","));
}

class Sender {
public:
    explicit Sender(Connection &target) : target_(target) {}

    void add(const std::string &relation, std::string row) {
        if (relation != relation_ || bytes_ > batch_bytes)
            store();
        relation_ = relation;
        bytes_ += row.size();
        rows_.push_back(std::move(row));
    }

    void store() {
        if (rows_.empty())
            return;
        stored_ += store_patiently();
        rows_.clear();
        bytes_ = 0;
    }

    long long stored() const { return stored_; }

private:
    // Transactions of postgres_fdw are repeatable reads: two senders of the same rows can make each other fail there.
    long long store_patiently() {
        for (int attempt = 1;; ++attempt) {
            try {
                return target_
                    .execute("SELECT dbperf.store_rows($1, $2::jsonb) AS stored", {relation_, json_list(rows_)})
                    .integer(0, "stored");
            } catch (const DatabaseError &error) {
                const bool is_passing = error.sqlstate() == "40001" || error.sqlstate() == "40P01";
                if (!is_passing || attempt == max_attempts)
                    throw;
                interruptible_sleep_ms(20 * attempt);
            }
        }
    }

    Connection &target_;
    std::string relation_;
    std::vector<std::string> rows_;
    std::size_t bytes_ = 0;
    long long stored_ = 0;
};

long long send_run(Connection &results, Connection &target, const std::string &run_id) {
    const ReadOnlyTransaction transaction(results);
    Sender sender(target);
    std::string run;
    results.execute("DECLARE dbperf_rows NO SCROLL CURSOR FOR"
                    " SELECT relation, content::text AS content FROM dbperf.run_rows(" +
                    results.quote_text(run_id) + ")");
    while (true) {
        const Result rows = results.execute(fmt::format("FETCH {} FROM dbperf_rows", rows_at_once));
        if (rows.rows() == 0)
            break;
        for (int row = 0; row < rows.rows(); ++row) {
            if (rows.text(row, "relation") == "run")
                run = rows.text(row, "content");
            else
                sender.add(rows.text(row, "relation"), rows.text(row, "content"));
        }
    }
    sender.store();
    if (run.empty())
        return 0; // deleted in the meantime
    sender.add("run", run);
    sender.store();
    return sender.stored();
}

Result runs_measured_here(Connection &results, const std::string &label) {
    Result runs = results.execute(
        "SELECT DISTINCT ON (k.one) r.run_id, r.label, r.imported,"
        " jsonb_build_object('project', r.project, 'run_id', r.run_id, 'started_at', r.started_at)::text AS key"
        " FROM dbperf.run r CROSS JOIN LATERAL (SELECT CASE WHEN $1 = '' THEN r.run_id::text ELSE r.label END) k(one)"
        " WHERE r.finished_at IS NOT NULL AND CASE WHEN $1 = '' THEN NOT r.imported"
        " ELSE r.label = $1 OR regexp_replace(r.label, '@[0-9.]+$', '') = $1 END"
        " ORDER BY k.one, r.started_at DESC",
        {label});
    if (label.empty())
        return runs;
    if (runs.rows() == 0)
        throw environment_error(fmt::format("there is no finished run with the label \"{}\"", label),
                                "SELECT label FROM dbperf.runs; lists them");
    for (int row = 0; row < runs.rows(); ++row)
        if (runs.boolean(row, "imported"))
            throw environment_error(
                fmt::format("the run \"{}\" was not measured on this server", runs.text(row, "label")),
                "send it from where it was measured");
    return runs;
}

} // namespace

bool create_results_database(const std::string &conninfo) {
    Connection target = connect(conninfo);
    const std::string database = target.database();
    target.execute("BEGIN");
    target.execute("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('dbperf push --init', 0))");
    const Result facts = target.execute(
        "SELECT pg_catalog.to_regnamespace('dbperf') IS NOT NULL AS schema,"
        " EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'dbperf') AS extension,"
        " EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace = pg_catalog.to_regnamespace('dbperf')"
        "            AND proname = 'results_version') AS made");
    if (facts.boolean(0, "extension"))
        throw environment_error(fmt::format("the database \"{}\" has the extension dbperf", database),
                                "make the results database of another one; it needs no extension");
    if (facts.boolean(0, "made")) {
        require_version(target, database);
        return false;
    }
    if (facts.boolean(0, "schema"))
        throw environment_error(fmt::format("the database \"{}\" has a schema dbperf of another kind", database),
                                "name another database");
    if (target.server_version() < 150000)
        throw environment_error("the server of the results database is older than PostgreSQL 15",
                                "name another server");
    try {
        target.execute(results_database_script);
    } catch (const DatabaseError &error) {
        if (error.sqlstate() != "42501")
            throw;
        throw environment_error(
            fmt::format("this role may not make a results database of \"{}\": {}", database, error.what()),
            "let the owner of the database do it, or grant CREATE on it");
    }
    target.execute("COMMIT");
    return true;
}

Connection open_results_database(const std::string &conninfo, ResultsAccess access) {
    Connection target = connect(conninfo);
    const std::string database = target.database();
    try {
        require_version(target, database);
    } catch (const DatabaseError &error) {
        if (is_missing(error.sqlstate()))
            throw environment_error(fmt::format("the database \"{}\" is no results database", database),
                                    "`dbperf push --init` makes one of it");
        if (error.sqlstate() != "42501")
            throw;
        const bool sends = access == ResultsAccess::sending;
        throw environment_error(
            fmt::format("this role may not {} the results database \"{}\"", sends ? "send to" : "read", database),
            fmt::format("let its owner call SELECT dbperf.{}('ROLE');", sends ? "allow_pushing" : "allow_reading"));
    }
    return target;
}

namespace {

// In this session. Where the server has loaded dbperf, the setting is one of the whole server.
void set_project(Connection &target, const std::string &project) {
    const Result set = target.execute("SELECT coalesce(pg_catalog.current_setting('dbperf.project', true), '')");
    if (set.text(0, 0) == project)
        return;
    try {
        target.execute("SELECT pg_catalog.set_config('dbperf.project', $1, false)", {project});
    } catch (const DatabaseError &error) {
        if (error.sqlstate() != "55P02")
            throw;
        throw environment_error(
            fmt::format("the project \"{}\" cannot be read: the server of the results database has loaded dbperf",
                        project),
            fmt::format("set dbperf.project = '{}' in the configuration of that server, or keep results on a server "
                        "without dbperf in shared_preload_libraries",
                        project));
    }
}

} // namespace

void choose_project(Connection &target, const std::string &project) {
    if (!project.empty()) {
        if (target.execute("SELECT FROM dbperf.projects WHERE project = $1", {project}).rows() == 0)
            throw environment_error(fmt::format("there are no runs of the project \"{}\"", project),
                                    "SELECT project FROM dbperf.projects; lists those that there are");
        set_project(target, project);
        return;
    }
    const Result only = target.execute(
        "SELECT min(project) FROM dbperf.projects"
        " HAVING count(*) = 1 AND coalesce(pg_catalog.current_setting('dbperf.project', true), '') = ''");
    if (only.rows() > 0)
        set_project(target, only.text(0, 0));
    if (target
            .execute("SELECT FROM dbperf.projects HAVING count(*) > 1 AND NOT coalesce(bool_or(project ="
                     " coalesce(pg_catalog.current_setting('dbperf.project', true), '')), false)")
            .rows() > 0)
        throw usage_error("the results database holds several projects", "name one with --project");
}

SentRuns send_runs(Connection &results, Connection &target, const std::string &label) {
    const Result runs = runs_measured_here(results, label);
    std::map<std::string, std::string> labels;
    std::vector<std::string> keys;
    for (int row = 0; row < runs.rows(); ++row) {
        labels[runs.text(row, "run_id")] = runs.text(row, "label");
        keys.push_back(runs.text(row, "key"));
    }
    SentRuns sent_runs;
    try {
        const Result wanted =
            target.execute("SELECT run_id FROM dbperf.runs_to_send($1::jsonb) run_id", {json_list(keys)});
        sent_runs.complete_before = runs.rows() - wanted.rows();
        for (int row = 0; row < wanted.rows(); ++row) {
            const std::string run_id = wanted.text(row, "run_id");
            sent_runs.sent.push_back({labels[run_id], run_id, send_run(results, target, run_id)});
        }
    } catch (const DatabaseError &error) {
        if (error.sqlstate() != "42501")
            throw;
        throw environment_error(error.what(),
                                "sending needs SELECT dbperf.allow_pushing('ROLE'); in the results database, and"
                                " pg_read_all_stats on the server that has the runs");
    }
    return sent_runs;
}

} // namespace dbperf::client::results_database
