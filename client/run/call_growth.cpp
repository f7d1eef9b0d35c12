#include "run/call_growth.h"

#include "base/error.h"
#include "queries/sql_scanner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

namespace dbperf::client::run {
using namespace base;
using namespace queries;

namespace {

constexpr long long largest_size = 1000000000;
constexpr double growing_exponent = 0.5;     // above it calls follow the data; a tree walk, log n, stays below
constexpr double deviation_from_line = 0.05; // of the whole rise
constexpr double rise_above_fixed_part = 0.1;

struct Line {
    double intercept = 0, slope = 0;
};

// Least squares; there are two different values of x.
Line fit_line(const std::vector<double> &x, const std::vector<double> &y) {
    const auto count = static_cast<double>(x.size());
    double sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        sum_x += x[i];
        sum_y += y[i];
        sum_xx += x[i] * x[i];
        sum_xy += x[i] * y[i];
    }
    const double slope = (count * sum_xy - sum_x * sum_y) / (count * sum_xx - sum_x * sum_x);
    return {(sum_y - slope * sum_x) / count, slope};
}

// What is called whatever the size: the intercept of the line that explains all counts, 0 where no line does.
double fixed_part(const std::vector<double> &sizes, const std::vector<double> &calls) {
    const double rise = calls.back() - calls.front();
    if (sizes.size() < 3 || rise <= 0 || rise < rise_above_fixed_part * calls.front())
        return 0;
    const Line line = fit_line(sizes, calls);
    for (std::size_t i = 0; i < sizes.size(); ++i)
        if (std::abs(line.intercept + line.slope * sizes[i] - calls[i]) > deviation_from_line * rise)
            return 0;
    return std::max(0.0, line.intercept);
}

bool touches_rows(std::string_view query) {
    constexpr std::array<std::string_view, 10> verbs = {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE",
                                                        "WITH",   "VALUES", "TABLE",  "COPY",   "CALL"};
    for (const Token &token : scan_sql(query)) {
        if (token.kind != TokenKind::word)
            continue;
        std::string word(token.text);
        std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::toupper(c); });
        return std::find(verbs.begin(), verbs.end(), word) != verbs.end();
    }
    return true; // its text is not known
}

std::string_view growth_words(Growth growth) {
    switch (growth) {
    case Growth::constant:
        return "constant";
    case Growth::varies:
        return "changes, but not in step with the data";
    case Growth::grows:
        return "grows with the data";
    }
    return {};
}

} // namespace

Sizes parse_sizes(std::string_view list) {
    Sizes sizes;
    while (true) {
        const std::size_t comma = std::min(list.find(','), list.size());
        const std::string_view word = list.substr(0, comma);
        long long size = 0;
        const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), size);
        if (failure != std::errc() || end != word.data() + word.size() || size < 1 || size > largest_size)
            throw usage_error(fmt::format("--scale: \"{}\" is not a size", word),
                              fmt::format("sizes are whole numbers from 1 to {}, such as 1,2,4", largest_size));
        sizes.push_back(size);
        if (comma == list.size())
            break;
        list.remove_prefix(comma + 1);
    }
    std::sort(sizes.begin(), sizes.end());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    if (sizes.size() < 2)
        throw usage_error(
            "--scale needs at least two different sizes, such as 1,2,4",
            "with three or more, calls that are made at any size can be distinguished from those that grow");
    return sizes;
}

double growth_exponent(const Sizes &sizes, const std::vector<long long> &calls) {
    const std::vector<double> x(sizes.begin(), sizes.end());
    const std::vector<double> y(calls.begin(), calls.end());
    const double fixed = fixed_part(x, y);
    std::vector<double> log_x, log_y;
    for (std::size_t i = 0; i < x.size(); ++i) {
        log_x.push_back(std::log(x[i]));
        log_y.push_back(std::log(std::max(1.0, y[i] - fixed))); // no call at all counts as one: there is no log of 0
    }
    return fit_line(log_x, log_y).slope;
}

Growth judge_growth(const Sizes &sizes, const std::vector<long long> &calls, double exponent, long long threshold) {
    const auto [fewest, most] = std::minmax_element(calls.begin(), calls.end());
    if (sizes.empty() || *most - *fewest < threshold)
        return Growth::constant;
    const bool rises = std::is_sorted(calls.begin(), calls.end());
    return rises && exponent > growing_exponent ? Growth::grows : Growth::varies;
}

std::vector<SizedStatement> judge_statements(const Sizes &sizes, const std::vector<std::vector<StatementCount>> &runs,
                                             long long threshold) {
    std::map<std::string, SizedStatement> by_fingerprint;
    for (std::size_t run = 0; run < runs.size(); ++run)
        for (const StatementCount &count : runs[run]) {
            if (!touches_rows(count.query))
                continue;
            SizedStatement &statement = by_fingerprint[count.fingerprint];
            statement.fingerprint = count.fingerprint;
            statement.query = count.query.empty() ? statement.query : count.query;
            statement.calls.resize(sizes.size());
            statement.calls[run] += count.calls;
        }
    std::vector<SizedStatement> statements;
    for (auto &[fingerprint, statement] : by_fingerprint) {
        statement.exponent = growth_exponent(sizes, statement.calls);
        statement.growth = judge_growth(sizes, statement.calls, statement.exponent, threshold);
        statements.push_back(std::move(statement));
    }
    std::sort(statements.begin(), statements.end(), [](const SizedStatement &a, const SizedStatement &b) {
        return std::tuple(b.growth, b.calls.back(), a.query, a.fingerprint) <
               std::tuple(a.growth, a.calls.back(), b.query, b.fingerprint);
    });
    return statements;
}

bool all_runs_alike(const std::vector<std::vector<StatementCount>> &runs) {
    const auto totals = [](const std::vector<StatementCount> &counts) {
        long long calls = 0, rows = 0;
        for (const StatementCount &count : counts) {
            calls += count.calls;
            rows += count.rows;
        }
        return std::pair(calls, rows);
    };
    return std::all_of(runs.begin(), runs.end(), [&](const auto &run) { return totals(run) == totals(runs.front()); });
}

std::string growth_sentence(const Sizes &sizes, const SizedStatement &statement) {
    return fmt::format("called {} times at sizes {}: {}", fmt::join(statement.calls, ", "), fmt::join(sizes, ", "),
                       growth_words(statement.growth));
}

std::string_view growth_name(Growth growth) {
    switch (growth) {
    case Growth::constant:
        return "constant";
    case Growth::varies:
        return "varies";
    case Growth::grows:
        return "grows";
    }
    return {};
}

} // namespace dbperf::client::run
