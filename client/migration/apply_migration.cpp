#include "migration/apply_migration.h"

#include "migration/lock_watch.h"
#include "migration/relation_files.h"
#include "terminal/style.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

namespace dbperf::client::migration {
using namespace base;
using namespace postgres;
using namespace terminal;

namespace {

constexpr int shown_statement = 60;

// What a file meets that runs in one transaction though it was not written for that.
bool refused_transaction(const DatabaseError &error) {
    constexpr std::array<std::string_view, 3> states = {"25001", "2D000", "55P04"};
    return std::find(states.begin(), states.end(), error.sqlstate()) != states.end();
}

[[noreturn]] void fail_at(const std::string &file, int line, const std::string &sql, const DatabaseError &error) {
    const std::string what = sql.empty() ? "" : fmt::format(" in \"{}\"", shorten(one_line(sql), shown_statement));
    const std::string detail = error.detail().empty() ? "" : fmt::format(" ({})", error.detail());
    throw environment_error(fmt::format("{}:{}: the migration failed: {}{}{}", file, line, error.what(), detail, what),
                            error.hint());
}

class Applier {
public:
    Applier(const ConnectionTarget &target, const ConnectionTarget &other_database, const std::string &lock_timeout)
        : connection_(Connection::open(target)), watch_(other_database, connection_), lock_timeout_(lock_timeout) {
        connection_.keep_settings("SET default_transaction_read_only = off; SET lock_timeout = " +
                                  connection_.quote_text(lock_timeout_));
        relations_ = read_relations(connection_);
        first_relations_ = relations_;
    }

    void apply(const Migration &migration) {
        connection_.begin_anew(); // what is asked beside it must not depend on the search_path
        const std::size_t done = effect_.statements.size();
        const double ms = clock_ms_;
        const long long wal = effect_.wal_bytes;
        try {
            run(migration, migration.one_transaction);
        } catch (const DatabaseError &error) {
            if (!migration.one_transaction || !refused_transaction(error))
                fail(migration, error);
            connection_.execute("ROLLBACK");
            watch_.take_released(clock_ms_);
            effect_.statements.resize(done);
            effect_.wal_bytes = wal;
            clock_ms_ = ms;
            relations_ = read_relations(connection_);
            connection_.begin_anew();
            effect_.refused_transaction.push_back(migration.file);
            try {
                run(migration, false);
            } catch (const DatabaseError &second) {
                fail(migration, second);
            }
        }
    }

    MigrationEffect finish() {
        effect_.ms = clock_ms_;
        std::stable_sort(effect_.locks.begin(), effect_.locks.end(), [](const HeldLock &a, const HeldLock &b) {
            return lock_strength(a.mode) > lock_strength(b.mode);
        });
        return std::move(effect_);
    }

private:
    void run(const Migration &migration, bool one_transaction) {
        line_ = migration.statements.empty() ? 1 : migration.statements.front().line;
        sql_.clear();
        if (one_transaction)
            begin();
        for (std::size_t i = 0; i < migration.statements.size(); ++i) {
            const MigrationStatement &statement = migration.statements[i];
            line_ = statement.line;
            sql_ = statement.sql;
            const bool wrapped = connection_.transaction() == TransactionState::none && can_be_wrapped(statement);
            if (wrapped)
                begin();
            apply_one(migration.file, statement,
                      i + 1 == migration.statements.size() ? nullptr : &migration.statements[i + 1]);
            if (wrapped)
                commit();
            if (connection_.transaction() == TransactionState::none)
                end_transaction();
        }
        if (connection_.transaction() != TransactionState::none) // its own, or one that it left open
            commit();
        end_transaction();
    }

    void begin() {
        connection_.execute("BEGIN");
        work_ = read_table_work(connection_, relations_);
    }

    // Where deferred constraints are checked.
    void commit() {
        const long long wal = session_wal();
        timed([&] { connection_.execute("COMMIT"); });
        const long long added = session_wal() - wal;
        effect_.wal_bytes += added;
        if (!effect_.statements.empty())
            effect_.statements.back().wal_bytes += added;
    }

    template <typename Action>
    double timed(Action action) {
        start_ = std::chrono::steady_clock::now();
        action();
        const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - *start_).count();
        start_.reset();
        clock_ms_ += ms;
        return ms;
    }

    // Of a clock that stands still while dbperf itself looks at things.
    double now_ms() const {
        if (!start_)
            return clock_ms_;
        return clock_ms_ +
               std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - *start_).count();
    }

    void apply_one(const std::string &file, const MigrationStatement &statement, const MigrationStatement *next) {
        AppliedStatement applied;
        applied.file = file;
        applied.line = statement.line;
        applied.sql = statement.sql;
        applied.words = statement.words;
        const long long wal = session_wal();
        watch_.set_statement(static_cast<int>(effect_.statements.size()));
        watch_.restart(clock_ms_);
        const auto look_at_locks = [&] { watch_.look(now_ms()); };
        applied.ms = timed([&] {
            if (statement.rows)
                connection_.execute_copy(statement.sql, *statement.rows, look_at_locks);
            else
                connection_.execute_watched(statement.sql, look_at_locks);
        });
        const TransactionState state = connection_.transaction();
        if (state != TransactionState::failed) {
            applied.wal_bytes = session_wal() - wal;
            effect_.wal_bytes += applied.wal_bytes;
        }
        // SET TRANSACTION must be the first of its transaction, and a ROLLBACK TO may come after an error.
        const bool next_is_first = next != nullptr && next->words.size() > 1 && next->words[0] == "SET";
        if (state != TransactionState::failed && !next_is_first)
            look(applied, state == TransactionState::open);
        effect_.statements.push_back(std::move(applied));
    }

    void look(AppliedStatement &applied, bool in_transaction) {
        const LockWatch::Locks during = watch_.held();
        watch_.look(clock_ms_);
        for (const LockWatch::Locks &locks : {during, watch_.held()})
            for (const auto &[lock, since] : locks)
                if (const auto found = first_relations_.find(lock.first);
                    found != first_relations_.end() && found->second.table == found->second.name)
                    applied.locks.push_back({found->second.name, lock.second});
        Relations now = read_relations(connection_);
        applied.files = changed_files(connection_, relations_, now);
        if (in_transaction) {
            std::map<long long, TableWork> work = read_table_work(connection_, now);
            applied.work = work_since(work_, work);
            work_ = std::move(work);
        }
        relations_ = std::move(now);
    }

    void end_transaction() {
        for (const auto &[lock, until] : watch_.take_released(clock_ms_)) {
            const auto &[key, since] = lock;
            const auto found = first_relations_.find(key.first);
            if (found == first_relations_.end() || found->second.table != found->second.name)
                continue; // made by the migration, or an index
            const AppliedStatement *taker = static_cast<std::size_t>(since.statement) < effect_.statements.size()
                                                ? &effect_.statements[static_cast<std::size_t>(since.statement)]
                                                : nullptr;
            keep_strongest(
                {found->second.name, key.second, until - since.ms, taker ? taker->file : "", taker ? taker->line : 0});
        }
    }

    void keep_strongest(HeldLock lock) {
        const auto known = std::find_if(effect_.locks.begin(), effect_.locks.end(),
                                        [&](const HeldLock &each) { return each.table == lock.table; });
        if (known == effect_.locks.end()) {
            effect_.locks.push_back(std::move(lock));
            return;
        }
        const int strength = lock_strength(lock.mode);
        const int known_strength = lock_strength(known->mode);
        if (strength > known_strength || (strength == known_strength && lock.ms > known->ms))
            *known = std::move(lock);
    }

    long long session_wal() { return std::atoll(connection_.execute("SHOW dbperf.session_wal").text(0, 0).c_str()); }

    [[noreturn]] void fail(const Migration &migration, const DatabaseError &error) {
        if (error.sqlstate() == "55P03")
            throw environment_error(
                fmt::format("{}:{}: the migration failed: it waited too long for a lock (--lock-timeout {}) in \"{}\"",
                            migration.file, line_, lock_timeout_, shorten(one_line(sql_), shown_statement)),
                watch_.blockers().empty() ? "raise --lock-timeout, or set lock_timeout in the migration"
                                          : fmt::format("the lock is held by {}", watch_.blockers()));
        fail_at(migration.file, line_, sql_, error);
    }

    Connection connection_;
    LockWatch watch_;
    std::string lock_timeout_;
    Relations first_relations_, relations_;
    std::map<long long, TableWork> work_;
    MigrationEffect effect_;
    double clock_ms_ = 0;
    std::optional<std::chrono::steady_clock::time_point> start_;
    int line_ = 1;
    std::string sql_; // of the statement at hand
};

} // namespace

void apply_migration(Connection &connection, const Migration &migration) {
    connection.begin_anew();
    if (migration.one_transaction)
        connection.execute("BEGIN");
    int line = 1;
    std::string sql;
    try {
        for (const MigrationStatement &statement : migration.statements) {
            line = statement.line;
            sql = statement.sql;
            if (statement.rows)
                connection.execute_copy(sql, *statement.rows);
            else
                connection.execute(sql);
        }
        if (migration.one_transaction)
            connection.execute("COMMIT");
    } catch (const DatabaseError &error) {
        fail_at(migration.file, line, sql, error);
    }
}

MigrationEffect apply_migrations(const ConnectionTarget &target, const ConnectionTarget &other_database,
                                 const std::vector<Migration> &migrations, const std::string &lock_timeout,
                                 Progress &progress) {
    Applier applier(target, other_database, lock_timeout);
    for (const Migration &migration : migrations) {
        progress.show(fmt::format("applying {}", migration.file));
        applier.apply(migration);
    }
    return applier.finish();
}

} // namespace dbperf::client::migration
