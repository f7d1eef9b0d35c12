#include "advise/index_proof.h"

#include "migration/migration_file.h"
#include "postgres/installed_dbperf.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace dbperf::client::advise {
using namespace base;
using namespace postgres;
using namespace compare;
using namespace migration;
using namespace terminal;

namespace {

// What a plan says of itself.
struct PlanFacts {
    std::set<std::string> indexes;
    std::string written; // table, as regclass prints it without a search path
};

void walk(const nlohmann::json &node, PlanFacts &facts, bool is_top) {
    if (node.contains("Index Name"))
        facts.indexes.insert(node["Index Name"].get<std::string>());
    if (is_top && node.value("Node Type", "") == "ModifyTable")
        facts.written = node.value("Relation Name", "");
    if (node.contains("Plans"))
        for (const auto &each : node["Plans"])
            walk(each, facts, false);
}

PlanFacts facts_of(const std::string &plan) {
    PlanFacts facts;
    const auto json = nlohmann::json::parse(plan, nullptr, false);
    if (json.is_discarded())
        return facts;
    const auto &top = json.is_array() && !json.empty() ? json.front() : json;
    if (top.is_object() && top.contains("Plan"))
        walk(top["Plan"], facts, true);
    return facts;
}

// The name of a table as a plan has it.
std::string bare_name(const std::string &table) {
    std::string name = table;
    bool quoted = false;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < table.size(); ++i) {
        quoted = quoted != (table[i] == '"');
        if (table[i] == '.' && !quoted)
            begin = i + 1;
    }
    name = table.substr(begin);
    if (name.size() < 2 || name.front() != '"')
        return name;
    std::string plain;
    for (std::size_t i = 1; i + 1 < name.size(); ++i) {
        plain += name[i];
        i += name[i] == '"' ? 1 : 0;
    }
    return plain;
}

bool is_planned_for(const PlannedIndex &index, const std::string &query) {
    return std::any_of(index.queries.begin(), index.queries.end(),
                       [&query](const auto &each) { return each.at("query") == query; });
}

bool is_worse(const ComparedQuery &query) {
    return query.verdict == "regressed" || query.verdict == "fails" || query.verdict == "result_changed";
}

double calls_of_query(const ComparedQuery &query, const std::map<std::string, double> &calls_of) {
    const auto found = calls_of.find(query.query);
    return found == calls_of.end() ? 1 : found->second;
}

double saved_by(const ComparedQuery &query, const std::map<std::string, double> &calls_of) {
    return query.ms_before && query.ms_after ? (*query.ms_before - *query.ms_after) * calls_of_query(query, calls_of)
                                             : 0;
}

std::string in_words(const ComparedQuery &query) {
    std::string text = query.query;
    if (query.time_ratio)
        text += fmt::format(" x {:.2f}", *query.time_ratio);
    if (query.time_low && query.time_high)
        text += fmt::format(" ({:.2f}-{:.2f})", *query.time_low, *query.time_high);
    return text;
}

void judge(IndexProof &proof, const std::map<std::string, double> &calls_of) {
    const auto improved = [](const ComparedQuery &query) { return query.verdict == "improved"; };
    const auto &uses = proof.queries;
    const auto harmed = std::find_if(uses.begin(), uses.end(), is_worse);
    proof.verdict = "rejected";
    if (uses.empty())
        proof.reason = "no statement of the workload uses it where it is built";
    else if (harmed != uses.end())
        proof.reason = fmt::format("it harms {}: {}", in_words(*harmed), harmed->reason);
    else if (std::none_of(uses.begin(), uses.end(), improved))
        proof.reason = fmt::format("no statement that uses it got measurably better: {}", in_words(uses.front()));
    else if (saved_ms(proof, calls_of) <= 0)
        proof.reason = "writes pay more than reads gain";
    else {
        const auto best = std::min_element(uses.begin(), uses.end(), [](const auto &a, const auto &b) {
            return a.time_ratio.value_or(9e9) < b.time_ratio.value_or(9e9);
        });
        proof.verdict = "proven";
        proof.reason = best->reason;
    }
}

// The statement of a migration that builds an index knows its size.
double size_of(const MigrationEffect &effect, std::size_t position) {
    double bytes = 0;
    if (position < effect.statements.size())
        for (const ChangedFile &file : effect.statements[position].files)
            bytes += file.is_index ? static_cast<double>(file.bytes) : 0;
    return bytes;
}

std::vector<IndexProof> measure(const ConnectionTarget &target, const std::vector<PlannedIndex> &indexes,
                                const std::map<std::string, double> &calls_of, ComparisonRequest request,
                                Progress &progress) {
    Migration migration;
    migration.file = "advice";
    std::string text;
    for (const PlannedIndex &index : indexes)
        text += index.build + ";\n";
    request.migrations = {parse_migration(text, "advice")};
    const MigrationComparison measured = compare_migration(target, request, progress);
    Connection results = open_results(target);
    std::vector<PlanFacts> after;
    for (const ComparedQuery &query : measured.queries)
        after.push_back(query.plan_after ? facts_of(load_plan(results, *query.plan_after)) : PlanFacts{});
    std::vector<IndexProof> proofs;
    for (std::size_t i = 0; i < indexes.size(); ++i) {
        IndexProof proof;
        proof.index = indexes[i];
        if (const double bytes = size_of(measured.migration, i); bytes > 0)
            proof.index.size_bytes = bytes;
        // Those of partitions have names of their own.
        const bool is_of_partitions = indexes[i].ddl.find(" ON ONLY ") != std::string::npos;
        const std::string table = bare_name(indexes[i].table);
        for (std::size_t k = 0; k < measured.queries.size(); ++k) {
            const ComparedQuery &query = measured.queries[k];
            // What a foreign key looks up stands in no plan.
            if (after[k].indexes.contains(indexes[i].name) ||
                ((is_of_partitions || !after[k].written.empty()) && after[k].written != table &&
                 is_planned_for(indexes[i], query.query)))
                proof.queries.push_back(query);
            else if (!after[k].written.empty() && after[k].written == table)
                proof.writes.push_back(query);
        }
        judge(proof, calls_of);
        proofs.push_back(std::move(proof));
    }
    return proofs;
}

} // namespace

double saved_ms(const IndexProof &proof, const std::map<std::string, double> &calls_of) {
    double saved = 0;
    for (const ComparedQuery &query : proof.queries)
        saved += saved_by(query, calls_of);
    // What is not measurable is the noise of the machine.
    for (const ComparedQuery &query : proof.writes)
        saved += query.time_low && *query.time_low > 1 ? saved_by(query, calls_of) : 0;
    return saved;
}

std::vector<IndexProof> prove(const ConnectionTarget &target, const std::vector<PlannedIndex> &indexes,
                              const std::map<std::string, double> &calls_of, const ComparisonRequest &request,
                              Progress &progress) {
    constexpr int max_rounds = 3;
    std::vector<IndexProof> rejected;
    std::vector<PlannedIndex> left = indexes;
    std::vector<IndexProof> proofs;
    for (int round = 0; round < max_rounds && !left.empty(); ++round) {
        proofs = measure(target, left, calls_of, request, progress);
        left.clear();
        bool any_rejected = false;
        for (const IndexProof &proof : proofs) {
            if (proof.verdict == "proven") {
                left.push_back(proof.index);
            } else {
                rejected.push_back(proof);
                any_rejected = true;
            }
        }
        std::erase_if(proofs, [](const IndexProof &proof) { return proof.verdict != "proven"; });
        if (!any_rejected)
            break;
    }
    proofs.insert(proofs.end(), rejected.begin(), rejected.end());
    return proofs;
}

} // namespace dbperf::client::advise
