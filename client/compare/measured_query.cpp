#include "compare/measured_query.h"

#include "base/error.h"
#include "compare/slower_set.h"
#include "terminal/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace dbperf::client::compare {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace queries;

namespace {

// Small enough that an interrupt loses little.
constexpr std::size_t batch_size = 50;
constexpr std::size_t fewest_pairs = 10; // that are judged

// So that the server has a record of each side: what fails has none, what is cancelled has the plan it had by then.
void record_in_spite(ComparedSide &side, const PreparedQuery &query, std::size_t set, double budget_ms) {
    try {
        side.renew();
        capture_plan(side, query, set, budget_ms);
    } catch (const SideError &) {
        side.renew();
    }
}

// What an average over all parameter sets hides.
void judge_single_sets(const PreparedQuery &query, const InterleavedTimes &times,
                       std::optional<QueryOutcome> *outcome) {
    const std::optional<SlowerSet> slower = find_slower_set(times.passes);
    if (!slower || (*outcome && !(*outcome)->verdict.empty()))
        return;
    const std::string words = parameters_in_words(query, slower->set);
    std::string sentence = fmt::format(
        "{} of {} parameter sets got slower by themselves: with {} it took {} instead of {} ({:.0f} -> {:.0f} blocks)",
        slower->slower, slower->measured, words.empty() ? fmt::format("set {}", slower->set + 1) : words,
        format_ms(slower->ms_after), format_ms(slower->ms_before), slower->blocks_before, slower->blocks_after);
    if (*outcome)
        sentence += "; " + (*outcome)->sentence;
    *outcome = QueryOutcome{"regressed", std::move(sentence)};
}

class Batch {
public:
    Batch(Connection &results, ComparedSide &before, ComparedSide &after, std::span<const PreparedQuery> queries,
          const Measuring &measuring)
        : results_(results), before_(before), after_(after), measuring_(measuring) {
        for (const PreparedQuery &query : queries)
            measured_.push_back({&query, latency_budget_ms(query.query, measuring.threshold_ms), {}, {}});
    }

    std::vector<MeasuredQuery> measure(const std::string &what, Progress &progress) {
        std::vector<QueryInTurns *> left;
        for (QueryInTurns &each : measured_)
            left.push_back(&each);
        const auto all_passes = static_cast<std::size_t>((measuring_.samples + 1) / 2);
        const std::size_t first_look = std::max(fewest_pairs, all_passes / 2);
        // What is not equal at a look is measured on, and all pairs count: since only "no change" is ever concluded
        // early, the chance of a false alarm is that of one test of all pairs.
        progress.show("comparing " + what);
        if (first_look < all_passes) {
            look(left, first_look, all_passes);
            std::erase_if(left, [&](const QueryInTurns *each) { return is_alike(*each) && !needs_more(*each); });
            look(left, all_passes - first_look, all_passes);
        } else {
            look(left, all_passes, all_passes);
        }
        std::erase_if(left, [&](const QueryInTurns *each) { return !needs_more(*each); });
        if (!left.empty())
            progress.show(fmt::format("comparing {}: {} once more", what, left.size()));
        look(left, all_passes, all_passes);
        progress.show(fmt::format("comparing {}: plans and results", what));
        std::vector<MeasuredQuery> done;
        for (QueryInTurns &each : measured_)
            done.push_back(judge(each));
        return done;
    }

private:
    void look(std::vector<QueryInTurns *> &queries, std::size_t passes, std::size_t all_passes) {
        if (!queries.empty())
            measure_in_turns(before_, after_, queries, passes, all_passes);
        std::erase_if(queries, [](const QueryInTurns *each) { return each->trouble.has_value(); });
    }

    // All of its parameter sets do the same work on both sides.
    static bool is_alike(const QueryInTurns &query) {
        return query.query->sets.size() <= query.times.passes.size() &&
               std::all_of(query.times.passes.begin(), query.times.passes.end(), [](const InterleavedPass &pass) {
                   return std::fabs(pass.after.blocks - pass.before.blocks) <= 0.1 * pass.before.blocks + 1;
               });
    }

    bool needs_more(const QueryInTurns &query) {
        return results_
            .execute("SELECT dbperf.needs_more_pairs($1::float8[], $2::float8[]) AS needed",
                     {array_text(query.times.before_ms), array_text(query.times.after_ms)})
            .boolean(0, "needed");
    }

    MeasuredQuery judge(QueryInTurns &each) {
        MeasuredQuery measured;
        const PreparedQuery &query = *each.query;
        try {
            if (each.trouble)
                throw *each.trouble;
            for (ComparedSide *side : {&before_, &after_})
                capture_plan(*side, query, each.times.usual_set, each.budget_ms);
            measured.outcome = check_results(before_, after_, query, each.times.digests);
            judge_single_sets(query, each.times, &measured.outcome);
            measured.times = std::move(each.times);
        } catch (const SideError &trouble) {
            measured.outcome = outcome_of(trouble, before_, after_, query);
            for (ComparedSide *side : {&before_, &after_})
                record_in_spite(*side, query, trouble.set(), each.budget_ms);
        }
        return measured;
    }

    Connection &results_;
    ComparedSide &before_, &after_;
    const Measuring &measuring_;
    std::vector<QueryInTurns> measured_;
};

} // namespace

std::vector<MeasuredQuery> measure_on_both(Connection &results, ComparedSide &before, ComparedSide &after,
                                           const std::vector<PreparedQuery> &queries, const Measuring &measuring,
                                           Progress &progress) {
    std::vector<MeasuredQuery> measured;
    try {
        for (std::size_t start = 0; start < queries.size(); start += batch_size) {
            const std::size_t count = std::min(batch_size, queries.size() - start);
            Batch batch(results, before, after, std::span(queries).subspan(start, count), measuring);
            const std::string what =
                count == 1 ? queries[start].query.name
                           : fmt::format("queries {} to {} of {}", start + 1, start + count, queries.size());
            for (MeasuredQuery &each : batch.measure(what, progress))
                measured.push_back(std::move(each));
        }
    } catch (const Error &error) {
        if (error.code() != ExitCode::interrupted || !measuring.keep_partial)
            throw;
        if (measured.empty())
            throw Error(ExitCode::interrupted, "interrupted: no query was judged yet");
    }
    return measured;
}

} // namespace dbperf::client::compare
