#include "findings/helping_index.h"

#include "advise/advised_workload.h"
#include "base/error.h"
#include "findings/kinds.h"
#include "queries/captured_statement.h"

#include <algorithm>
#include <map>
#include <set>

namespace dbperf::client::findings {
using namespace advise;
using namespace postgres;
using namespace queries;

namespace {

constexpr std::size_t max_statements = 50; // of a database: a check is to be over soon

bool may_lack_one(const Judgement &each) {
    const Evidence evidence = kind_of(each.kind).evidence;
    return (each.outcome == Outcome::failed || each.outcome == Outcome::warned) && !each.query.empty() &&
           (evidence == Evidence::n_plus_one || evidence == Evidence::comparison || evidence == Evidence::times);
}

// By fingerprint where that is known, else by name or text.
struct Wanted {
    std::set<std::string> fingerprints, names;
};

// Statement, by both, and the index that planning found for it.
using Indexes = std::map<std::string, std::string>;

Indexes plan_in(Connection &results, const ConnectionTarget &target, const std::string &label, const std::string &name,
                const Wanted &wanted) {
    Connection database = Connection::open(target.with_database(name));
    if (database.execute("SELECT FROM pg_catalog.pg_extension WHERE extname = 'dbperf'").rows() == 0)
        return {};
    const std::vector<Parameter> fingerprints(wanted.fingerprints.begin(), wanted.fingerprints.end());
    const std::vector<Parameter> names(wanted.names.begin(), wanted.names.end());
    const Result rows = results.execute(
        "SELECT name, fingerprint::pg_catalog.text AS fingerprint, request, calls, ms FROM "
        "dbperf.advised_statements($1, $2, $5)"
        " WHERE fingerprint::pg_catalog.text = ANY ($3::pg_catalog.text[]) OR name = ANY ($4::pg_catalog.text[])",
        {label, name, array_literal(fingerprints), array_literal(names), database.default_path()});
    AdvisedWorkload workload;
    std::map<std::string, std::string> name_of;
    for (int row = 0; row < rows.rows() && name_of.size() < max_statements; ++row) {
        workload.names.emplace_back(rows.text(row, "fingerprint"));
        workload.requests.emplace_back(rows.text(row, "request"));
        workload.calls.emplace_back(rows.text(row, "calls"));
        workload.ms.push_back(rows.is_null(row, "ms") ? Parameter() : Parameter(rows.text(row, "ms")));
        name_of[rows.text(row, "fingerprint")] = rows.text(row, "name");
    }
    Indexes indexes;
    if (name_of.empty())
        return indexes;
    database.execute("SET statement_timeout = '10s'");
    for (const PlannedIndex &index : plan_indexes(database, workload, {}))
        for (const auto &helped : index.queries) {
            const std::string fingerprint = helped.at("query");
            indexes.emplace(fingerprint, index.ddl);
            indexes.emplace(name_of[fingerprint], index.ddl);
        }
    return indexes;
}

// The finding's own word, else where the statement was executed most.
std::string executed_in(Connection &results, const std::string &label, const Judgement &each) {
    if (!each.database.empty())
        return each.database;
    const Result rows =
        results.execute("SELECT database FROM dbperf.statements WHERE run_id = dbperf.find_run($1) AND top_level"
                        " AND (fingerprint::pg_catalog.text = $2 OR coalesce(nullif(query_name, ''), query) = $3)"
                        " GROUP BY database ORDER BY pg_catalog.sum(calls) DESC, database LIMIT 1",
                        {label, each.key, each.query});
    return rows.rows() == 0 ? "" : rows.text(0, "database");
}

} // namespace

void find_helping_indexes(Connection &results, const ConnectionTarget &target, const std::string &label,
                          std::vector<Judgement> &judgements) {
    std::map<std::string, Wanted> databases;
    std::vector<std::string> database_of(judgements.size());
    for (std::size_t i = 0; i < judgements.size(); ++i)
        if (may_lack_one(judgements[i])) {
            database_of[i] = executed_in(results, label, judgements[i]);
            Wanted &wanted = databases[database_of[i]];
            wanted.fingerprints.insert(judgements[i].key);
            wanted.names.insert(judgements[i].query);
        }
    databases.erase("");
    for (const auto &[database, wanted] : databases) {
        Indexes indexes;
        try {
            indexes = plan_in(results, target, label, database, wanted);
        } catch (const base::Error &error) {
            if (error.code() == base::ExitCode::interrupted)
                throw;
            continue; // it is a hint, and the findings stand without it
        }
        for (std::size_t i = 0; i < judgements.size(); ++i) {
            if (database_of[i] != database)
                continue;
            auto found = indexes.find(judgements[i].key);
            if (found == indexes.end())
                found = indexes.find(judgements[i].query);
            if (found != indexes.end())
                judgements[i].index = found->second;
        }
    }
}

} // namespace dbperf::client::findings
