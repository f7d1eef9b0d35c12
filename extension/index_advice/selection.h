// Which of many candidates are worth having together: greedily by what each adds, then backwards. What a statement
// costs under a set of them, somebody else says; numbers are milliseconds of the whole workload, and bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dbperf::index_advice::selection {

struct Candidate {
    uint32_t table;
    double bytes;
    double write_ms; // what having it costs those who write
    bool is_partial; // of some of the rows
};

// Costs of one statement: of each table that it reads whether a candidate could matter, `may_use` says.
struct Problem {
    std::span<const Candidate> candidates;
    size_t statements;
    // Milliseconds of a statement in the workload under these candidates, given in no order. Negative: it is given up.
    double (*cost)(void *context, size_t statement, std::span<const uint32_t> chosen);
    bool (*may_use)(void *context, size_t statement, uint32_t candidate);
    // Whether a candidate is the other with an order behind it, which costs little and helps where rows are many.
    bool (*orders)(void *context, uint32_t wide, uint32_t narrow);
    // Candidates that help a statement together, where none of them may do so alone.
    std::span<const std::span<const uint32_t>> groups;
    void *context;
    size_t max_chosen;
    double max_bytes; // of all of them; negative: no bound
};

// Memory for a problem: all zeroed, of these lengths.
struct Memory {
    std::span<uint32_t> chosen; // candidates
    std::span<uint32_t> trial;  // candidates + 1
    std::span<double> gain;     // candidates
    std::span<bool> is_fresh;   // candidates
    std::span<double> now;      // statements
    std::span<uint32_t> kept;   // candidates
};

// What is worth a statement: a fifth of it. What is not worth keeping: a hundredth of all and a twentieth of each.
constexpr double worth_a_statement = 0.2;
constexpr double lost_of_all = 0.01;
constexpr double lost_of_one = 0.05;

// Number of those chosen, which stand at the begin of memory.chosen.
size_t choose(const Problem &problem, const Memory &memory);

} // namespace dbperf::index_advice::selection
