#include "findings/slow_queries.h"

#include <fmt/format.h>

#include <utility>

namespace dbperf::client::findings {
using namespace postgres;
using namespace run;

namespace {

constexpr std::string_view slow_query = "slow_query";

void add_rows(std::vector<Judgement> &judgements, Connection &results, const std::string &label, double threshold_ms) {
    const Result rows = results.execute("SELECT query, fingerprint, calls, total_ms, verdict, reason"
                                        " FROM dbperf.slow_queries($1, $2::double precision)",
                                        {label, fmt::format("{}", threshold_ms)});
    for (int row = 0; row < rows.rows(); ++row) {
        Judgement judgement;
        const bool violated = rows.text(row, "verdict") == "violated";
        judgement.outcome = violated ? Outcome::failed : Outcome::not_judged;
        judgement.kind = slow_query;
        judgement.severity = violated ? "error" : "notice";
        judgement.query = rows.text(row, "query");
        judgement.reason = rows.text(row, "reason");
        judgement.key = rows.text(row, "fingerprint");
        judgement.price_ms = rows.number(row, "total_ms").value_or(0);
        judgements.push_back(std::move(judgement));
    }
}

} // namespace

void add_slow_queries(std::vector<Judgement> &judgements, Connection &results, const RunReport &run,
                      double threshold_ms) {
    const std::size_t before = judgements.size();
    if (run.state == "finished") // only then are its figures complete
        add_rows(judgements, results, run.label, threshold_ms);
    if (judgements.size() > before)
        return;
    Judgement none;
    none.kind = slow_query;
    none.reason = fmt::format("none over {:g} ms", threshold_ms);
    judgements.push_back(std::move(none));
}

} // namespace dbperf::client::findings
