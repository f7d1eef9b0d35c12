#include "migration/migration_effect.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace dbperf::client::migration {
namespace {

struct LockMode {
    std::string_view name, words;
};

constexpr std::array<LockMode, 8> modes = {{{"AccessShareLock", "ACCESS SHARE"},
                                            {"RowShareLock", "ROW SHARE"},
                                            {"RowExclusiveLock", "ROW EXCLUSIVE"},
                                            {"ShareUpdateExclusiveLock", "SHARE UPDATE EXCLUSIVE"},
                                            {"ShareLock", "SHARE"},
                                            {"ShareRowExclusiveLock", "SHARE ROW EXCLUSIVE"},
                                            {"ExclusiveLock", "EXCLUSIVE"},
                                            {"AccessExclusiveLock", "ACCESS EXCLUSIVE"}}};
constexpr int blocks_writes = 5;
constexpr int blocks_everything = 8;
constexpr long long many_rows = 1000;

bool has_word(const AppliedStatement &statement, std::string_view word) {
    return std::find(statement.words.begin(), statement.words.end(), word) != statement.words.end();
}

bool begins_with(const AppliedStatement &statement, std::string_view first, std::string_view second = {}) {
    return !statement.words.empty() && statement.words[0] == first &&
           (second.empty() || (statement.words.size() > 1 && statement.words[1] == second));
}

// 0: a table of the migration's own, which nobody else uses yet.
int strength_on(const AppliedStatement &statement, const std::string &table) {
    int strongest = 0;
    for (const TableLock &lock : statement.locks)
        if (lock.table == table)
            strongest = std::max(strongest, lock_strength(lock.mode));
    return strongest;
}

std::string who_waits(int strength) {
    return strength == blocks_everything ? "everybody who reads or writes it waits"
                                         : "everybody who writes to it waits";
}

std::string rewriting_advice(const AppliedStatement &statement) {
    if (begins_with(statement, "VACUUM") || begins_with(statement, "CLUSTER"))
        return "Plain VACUUM frees space without that lock.";
    return "Add a new column, fill it in batches, and switch over; or change the type to one that is stored alike.";
}

class Warnings {
public:
    std::vector<MigrationWarning> of(const MigrationEffect &effect) {
        for (const AppliedStatement &statement : effect.statements)
            look_at(statement);
        without_lock_timeout(effect);
        return std::move(found_);
    }

private:
    void add(const AppliedStatement &statement, std::string sentence, std::string advice) {
        found_.push_back({statement.file, statement.line, std::move(sentence), std::move(advice)});
    }

    void look_at(const AppliedStatement &statement) {
        std::set<std::string> reported;
        for (const ChangedFile &file : statement.files) {
            const int strength = strength_on(statement, file.table);
            if (!file.is_index && file.change == FileChange::rewritten && strength == blocks_everything) {
                add(statement,
                    fmt::format("{} is rewritten under ACCESS EXCLUSIVE: {}", file.table, who_waits(strength)),
                    rewriting_advice(statement));
                reported.insert(file.table);
            }
        }
        for (const ChangedFile &file : statement.files)
            if (file.change == FileChange::emptied)
                reported.insert(file.table);
        for (const ChangedFile &file : statement.files)
            if (file.is_index && reported.count(file.table) == 0)
                index_built(statement, file, reported);
        for (const TableWork &work : statement.work) {
            const int strength = strength_on(statement, work.table);
            if (work.scans > 0 && strength >= blocks_writes && reported.insert(work.table).second &&
                begins_with(statement, "ALTER"))
                add(statement,
                    fmt::format("{} is read as a whole under {}: {}", work.table,
                                modes[static_cast<std::size_t>(strength) - 1].words, who_waits(strength)),
                    "Add the constraint as NOT VALID and VALIDATE it in a later transaction; SET NOT NULL believes "
                    "a validated CHECK (... IS NOT NULL).");
            if (work.rows_changed >= many_rows && strength > 0)
                add(statement,
                    fmt::format("{} rows of {} are changed in one transaction: they stay locked until it ends",
                                work.rows_changed, work.table),
                    "Change them in batches of some thousands, each in a transaction of its own.");
        }
        touches_server(statement);
    }

    void index_built(const AppliedStatement &statement, const ChangedFile &file, std::set<std::string> &reported) {
        const int strength = strength_on(statement, file.table);
        if (strength < blocks_writes || !reported.insert(file.table).second)
            return;
        const bool plain = begins_with(statement, "CREATE");
        add(statement,
            fmt::format("the index {} is built under {} on {}: {}", file.relation,
                        modes[static_cast<std::size_t>(strength) - 1].words, file.table, who_waits(strength)),
            plain                               ? "Use CREATE INDEX CONCURRENTLY, outside of a transaction."
            : begins_with(statement, "REINDEX") ? "Use REINDEX ... CONCURRENTLY, outside of a transaction."
                                                : "Build the unique index CONCURRENTLY first, then ADD CONSTRAINT ... "
                                                  "USING INDEX.");
    }

    void touches_server(const AppliedStatement &statement) {
        constexpr std::array<std::string_view, 5> shared = {"ROLE", "USER", "GROUP", "DATABASE", "TABLESPACE"};
        const bool changes =
            begins_with(statement, "CREATE") || begins_with(statement, "ALTER") || begins_with(statement, "DROP");
        const bool of_server = begins_with(statement, "ALTER", "SYSTEM") ||
                               (changes && statement.words.size() > 1 &&
                                std::find(shared.begin(), shared.end(), statement.words[1]) != shared.end() &&
                                !has_word(statement, "MAPPING"));
        if (of_server)
            add(statement,
                fmt::format("{} {} is not confined to the copy: the server itself has changed", statement.words[0],
                            statement.words[1]),
                "Undo it by hand if this server shall stay as it was.");
    }

    void without_lock_timeout(const MigrationEffect &effect) {
        const bool limited =
            std::any_of(effect.statements.begin(), effect.statements.end(), [](const AppliedStatement &statement) {
                return begins_with(statement, "SET") && has_word(statement, "LOCK_TIMEOUT");
            });
        if (limited)
            return;
        std::vector<std::string> tables;
        for (const HeldLock &lock : effect.locks)
            if (lock_strength(lock.mode) == blocks_everything)
                tables.push_back(lock.table);
        if (tables.empty())
            return;
        const auto first = std::find_if(effect.locks.begin(), effect.locks.end(), [](const HeldLock &lock) {
            return lock_strength(lock.mode) == blocks_everything;
        });
        found_.push_back({first->file, first->line,
                          fmt::format("ACCESS EXCLUSIVE on {} is waited for without a limit: behind a long query "
                                      "everybody else queues too",
                                      fmt::join(tables, ", ")),
                          "SET lock_timeout = '2s' before it, and try again when it strikes."});
    }

    std::vector<MigrationWarning> found_;
};

} // namespace

int lock_strength(const std::string &mode) {
    const auto found =
        std::find_if(modes.begin(), modes.end(), [&](const LockMode &each) { return each.name == mode; });
    return found == modes.end() ? 0 : static_cast<int>(found - modes.begin()) + 1;
}

std::string lock_words(const std::string &mode) {
    const int strength = lock_strength(mode);
    return strength == 0 ? mode : std::string(modes[static_cast<std::size_t>(strength) - 1].words);
}

std::vector<MigrationWarning> warnings_of(const MigrationEffect &effect) {
    return Warnings().of(effect);
}

} // namespace dbperf::client::migration
