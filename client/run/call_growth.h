// Owns the question whether calls of a statement grow with the data: sizes, the fit, the verdict and its sentence.
#pragma once

#include "run/run_report.h"

#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::run {

using Sizes = std::vector<long long>;

// "1,2,4" in ascending order, each size once. Throws a usage error unless there are two different ones.
Sizes parse_sizes(std::string_view list);

enum class Growth {
    constant, // never as many as the threshold apart
    varies,   // apart, but not in step with the data
    grows     // the more data, the more calls
};

// Calls of one statement, one count a size.
struct SizedStatement {
    std::string fingerprint, query;
    std::vector<long long> calls;
    double exponent = 0; // calls ~ size ^ exponent; 1 is a call for every row
    Growth growth = Growth::constant;
};

// The exponent of the part of the calls that depends on the size, by least squares of log(calls) over log(size).
// Calls that a straight line explains, such as 70, 90, 130 at 1, 2, 4, have a fixed part, 50 here, which is taken
// off first: it would hide the 20 that every size adds. It takes three sizes to see a line.
double growth_exponent(const Sizes &sizes, const std::vector<long long> &calls);

// The threshold is the number of calls that make a difference.
Growth judge_growth(const Sizes &sizes, const std::vector<long long> &calls, double exponent, long long threshold);

// Joins the statements of one run a size and judges them; those that grow come first, the most called ones before
// others. Skipped is what reads or writes no rows: BEGIN, SET, FETCH and their like come along with other statements.
std::vector<SizedStatement> judge_statements(const Sizes &sizes, const std::vector<std::vector<StatementCount>> &runs,
                                             long long threshold);

// True when the sizes made no difference to calls and rows in all: likely the data was the same.
bool all_runs_alike(const std::vector<std::vector<StatementCount>> &runs);

// "called 20, 40, 80 times at sizes 1, 2, 4: grows with the data".
std::string growth_sentence(const Sizes &sizes, const SizedStatement &statement);

std::string_view growth_name(Growth growth);

} // namespace dbperf::client::run
