#include "compare/query_outcome.h"

#include "terminal/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <vector>

namespace dbperf::client::compare {
using namespace base;
using namespace terminal;
using namespace queries;

namespace {

constexpr std::chrono::seconds extra_patience{2}; // for the sets that were not measured

constexpr std::size_t examined_sets = 3;

// Each makes another plan likely: another order of rows, another set of rows before a LIMIT.
const std::array<std::vector<std::string_view>, 5> other_planners = {
    {{"enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"},
     {"enable_seqscan", "enable_sort"},
     {"enable_hashjoin", "enable_hashagg"},
     {"enable_nestloop", "enable_material"},
     {"enable_mergejoin", "enable_incremental_sort"}}};

std::string with_parameters(const PreparedQuery &query, std::size_t set) {
    const std::string words = parameters_in_words(query, set);
    return words.empty() ? "" : fmt::format(" with {}", words);
}

// What one execution on this side came to: milliseconds, or the error.
struct Attempt {
    double ms = 0;
    std::optional<QueryError> error;
};

Attempt attempt(ComparedSide &side, const PreparedQuery &query, std::size_t set) {
    const auto start = std::chrono::steady_clock::now();
    Attempt made;
    try {
        digest_of_execution(side, query, set);
    } catch (const SideError &error) {
        made.error = error.cause();
        set_run(side.connection, side.label);
    }
    made.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return made;
}

// Why the result says nothing about the migration, or "".
std::string why_open(ComparedSide &before, ComparedSide &after, const PreparedQuery &query, const SetDigests &seen) {
    if (seen.before.rows == seen.after.rows && leaves_rows_open(query.query.sql))
        return "a LIMIT without ORDER BY leaves open which rows it returns";
    for (ComparedSide *side : {&before, &after}) {
        const ResultDigest &known = side == &before ? seen.before : seen.after;
        if (digest_of_execution(*side, query, seen.set) != known)
            return "it returns something else each time";
        set_run(side->connection, "");
        for (const auto &settings : other_planners) {
            try {
                if (execute_query_without(side->connection, query, seen.set, settings) != known)
                    return "which rows or which order it returns depends on the plan";
            } catch (const QueryError &) {
                continue; // cancelled, since that plan is slow
            }
        }
        set_run(side->connection, side->label);
    }
    return {};
}

} // namespace

QueryOutcome outcome_of(const SideError &trouble, ComparedSide &before, ComparedSide &after,
                        const PreparedQuery &query) {
    const bool of_after = &trouble.side() == &after;
    const Attempt other = attempt(of_after ? before : after, query, trouble.set());
    if (other.error && !trouble.cause().was_cancelled() && !other.error->was_cancelled())
        throw environment_error(fmt::format("{}, without the migration and with it", trouble.what()), trouble.hint());
    const Attempt own{trouble.ms(), trouble.cause()};
    const Attempt &first = of_after ? other : own;
    const Attempt &second = of_after ? own : other;
    const std::string where = trouble.set() == 0 ? "" : with_parameters(query, trouble.set());
    if (second.error && !second.error->was_cancelled())
        return {"fails", fmt::format("fails after the migration{}: {}", where, second.error->server_message())};
    if (first.error && !first.error->was_cancelled())
        return {"incomparable", fmt::format("fails without the migration{}: {}", where, first.error->server_message())};
    if (first.error && second.error)
        return {"not_enough_samples", fmt::format("cancelled after {} without the migration and after {} with it{}: "
                                                  "a longer --statement-timeout may show more",
                                                  format_ms(first.ms), format_ms(second.ms), where)};
    if (second.error)
        return {"regressed", fmt::format("cancelled after {}{}; without the migration it took {}", format_ms(second.ms),
                                         where, format_ms(first.ms))};
    return {"improved", fmt::format("took {}{}; without the migration it was cancelled after {}", format_ms(second.ms),
                                    where, format_ms(first.ms))};
}

std::optional<QueryOutcome> check_results(ComparedSide &before, ComparedSide &after, const PreparedQuery &query,
                                          const std::vector<SetDigests> &measured) {
    std::vector<SetDigests> all = measured;
    const auto end = std::chrono::steady_clock::now() + extra_patience;
    for (std::size_t set = 0; set < query.sets.size() && std::chrono::steady_clock::now() < end; ++set)
        if (std::none_of(measured.begin(), measured.end(), [&](const SetDigests &each) { return each.set == set; })) {
            SetDigests digests;
            digests.set = set;
            digests.before = digest_of_execution(before, query, set);
            digests.after = digest_of_execution(after, query, set);
            all.push_back(digests);
        }
    std::erase_if(all, [](const SetDigests &each) { return each.before == each.after; });
    if (all.empty())
        return std::nullopt;
    for (std::size_t i = 0; i < std::min(all.size(), examined_sets); ++i)
        if (const std::string open = why_open(before, after, query, all[i]); !open.empty())
            return QueryOutcome{"", fmt::format("its result is not judged: {}", open)};
    const SetDigests &worst = *std::max_element(all.begin(), all.end(), [](const SetDigests &a, const SetDigests &b) {
        return (a.before.rows != a.after.rows) < (b.before.rows != b.after.rows);
    });
    return QueryOutcome{
        "result_changed",
        fmt::format("returns {}{}", difference_in_words(worst.before, worst.after), with_parameters(query, worst.set)) +
            (all.size() > 1 ? fmt::format(" ({} parameter sets differ)", all.size()) : "")};
}

} // namespace dbperf::client::compare
