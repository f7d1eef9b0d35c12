#include "blocking/observed_block.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace dbperf::client::blocking {
using namespace migration;

namespace {

// By strength, 1 to 8: the modes that each conflicts with, as bits (PostgreSQL's documentation, table 13.2).
constexpr std::array<unsigned, 9> conflicting = {0,
                                                 1U << 8,
                                                 1U << 7 | 1U << 8,
                                                 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8,
                                                 1U << 4 | 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8,
                                                 1U << 3 | 1U << 4 | 1U << 6 | 1U << 7 | 1U << 8,
                                                 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8,
                                                 1U << 2 | 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8,
                                                 1U << 1 | 1U << 2 | 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 | 1U << 7 |
                                                     1U << 8};

bool is_of_row(const WantedLock &lock) {
    return lock.type == "transactionid" || lock.type == "tuple";
}

// What somebody does who asks for that mode.
std::string doing(const std::string &mode) {
    switch (lock_strength(mode)) {
    case 1:
        return "reads";
    case 2:
        return "locking reads";
    case 3:
        return "writes";
    default:
        return "locks";
    }
}

bool changes_rows(const AppliedStatement &statement) {
    return std::any_of(statement.work.begin(), statement.work.end(),
                       [](const TableWork &work) { return work.rows_changed > 0; });
}

// The statement that took what the query waited for, where it is an earlier one.
std::size_t taker_of(const LockWait &wait, const std::vector<StatementRecord> &statements,
                     const MigrationEffect &effect) {
    const std::size_t at_hand = std::min(wait.statement + 1, effect.statements.size());
    if (is_of_row(wait.lock)) {
        for (std::size_t i = at_hand; i-- > 0;)
            if (changes_rows(effect.statements[i]))
                return i;
        return wait.statement;
    }
    for (const HeldLock &lock : effect.locks) {
        if (lock.table != wait.lock.relation || lock.mode != wait.behind)
            continue;
        for (std::size_t i = 0; i < wait.statement && i < statements.size(); ++i)
            if (statements[i].file == lock.file && statements[i].line == lock.line)
                return i;
    }
    return wait.statement;
}

std::string what_is_blocked(const Block &block) {
    const WantedLock &lock = block.waiters.front().wait.lock;
    if (is_of_row(lock))
        return "changes of rows that it changed";
    if (lock.relation.empty())
        return fmt::format("what takes {} locks", lock.type);
    std::set<std::pair<int, std::string>> kinds;
    for (const Block::Waiter &waiter : block.waiters)
        kinds.emplace(lock_strength(waiter.wait.lock.mode), doing(waiter.wait.lock.mode));
    std::vector<std::string> words;
    for (const auto &[strength, kind] : kinds)
        if (words.empty() || words.back() != kind)
            words.push_back(kind);
    return fmt::format("{} of {}", fmt::join(words, " and "), lock.relation);
}

} // namespace

double QueryRecord::usual_ms() const {
    if (before_ms.empty())
        return 0;
    std::vector<double> sorted = before_ms;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle;
}

double QueryRecord::longest_before_ms() const {
    return before_ms.empty() ? 0 : *std::max_element(before_ms.begin(), before_ms.end());
}

const LockWait *QueryRecord::longest_wait() const {
    const auto longest =
        std::max_element(waits.begin(), waits.end(), [](const LockWait &a, const LockWait &b) { return a.ms < b.ms; });
    return longest == waits.end() ? nullptr : &*longest;
}

bool modes_conflict(const std::string &one, const std::string &other) {
    return (conflicting[static_cast<std::size_t>(lock_strength(one))] >> lock_strength(other) & 1U) != 0;
}

void add_wait(QueryRecord &record, LockWait wait) {
    const auto known = std::find_if(record.waits.begin(), record.waits.end(), [&](const LockWait &each) {
        return each.statement == wait.statement && each.lock == wait.lock;
    });
    if (known == record.waits.end())
        record.waits.push_back(std::move(wait));
    else if (known->ms < wait.ms)
        *known = std::move(wait);
}

void add_failure(QueryRecord &record, double at_ms, const std::string &message) {
    if (record.failures++ == 0) {
        record.failed_from_ms = at_ms;
        record.error = message;
    }
    record.fails_on = true;
}

std::vector<Block> blocks_of(const std::vector<QueryRecord> &queries, const std::vector<StatementRecord> &statements,
                             const MigrationEffect &effect) {
    std::map<std::pair<std::size_t, std::string>, Block> found;
    for (const QueryRecord &record : queries) {
        std::map<std::pair<std::size_t, std::string>, const LockWait *> longest;
        for (const LockWait &wait : record.waits) {
            const std::string where = is_of_row(wait.lock) ? "(row)" : wait.lock.type + " " + wait.lock.relation;
            const LockWait *&known = longest[{taker_of(wait, statements, effect), where}];
            if (known == nullptr || known->ms < wait.ms)
                known = &wait;
        }
        for (const auto &[key, wait] : longest) {
            Block &block = found[key];
            block.statement = key.first;
            block.relation = wait->lock.relation;
            block.ms = std::max(block.ms, wait->ms);
            block.waiters.push_back({record.query, *wait});
        }
    }
    std::vector<Block> blocks;
    for (auto &[key, block] : found) {
        block.what = what_is_blocked(block);
        std::stable_sort(block.waiters.begin(), block.waiters.end(),
                         [](const Block::Waiter &a, const Block::Waiter &b) { return a.wait.ms > b.wait.ms; });
        blocks.push_back(std::move(block));
    }
    std::stable_sort(blocks.begin(), blocks.end(), [](const Block &a, const Block &b) { return a.ms > b.ms; });
    return blocks;
}

} // namespace dbperf::client::blocking
