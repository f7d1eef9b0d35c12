// Owns applying migrations in one session as production would: statement by statement, in the transactions they have,
// with nothing asked between them. Asynchronous.
#pragma once

#include "blocking/lock_samples.h"
#include "blocking/observed_block.h"
#include "blocking/timeline.h"
#include "migration/migration_file.h"
#include "postgres/connection.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::blocking {

class MigrationSession {
public:
    // lock_timeout in PostgreSQL's spelling; "" is the database's own.
    MigrationSession(const postgres::ConnectionTarget &target, const std::vector<migration::Migration> &migrations,
                     const std::string &lock_timeout, const Timeline &timeline);
    ~MigrationSession(); // what is under way is cancelled
    MigrationSession(const MigrationSession &) = delete;
    MigrationSession &operator=(const MigrationSession &) = delete;

    postgres::Connection &connection() { return connection_; }
    // Sends what comes next when the last one is done.
    void step();
    bool is_over() const { return over_; }
    bool is_busy() const { return busy_; }
    bool has_rows_to_send() const { return !rows_.empty(); }
    // The statement under way, or the one whose transaction is being committed.
    std::size_t statement() const { return statement_; }
    // It waits for this lock, or for none any more.
    void note_wait(const SampledWait *wait, const std::function<std::string(int pid)> &who);

    std::vector<StatementRecord> &statements() { return statements_; }
    const std::optional<MigrationFailure> &failure() const { return failure_; }

private:
    struct Step {
        std::string sql; // "" begins a file
        std::optional<std::size_t> statement;
        const std::string *rows = nullptr; // of COPY
        bool if_open = false;              // a COMMIT of what the file left open
    };
    void plan(const migration::Migration &migration);
    void take_answer();
    void send_next();
    void end_wait(double now_ms);

    postgres::Connection connection_;
    const Timeline &timeline_;
    std::vector<StatementRecord> statements_;
    std::vector<Step> steps_;
    std::size_t next_ = 0;
    std::size_t statement_ = 0;
    std::string_view rows_;
    bool sends_rows_ = false;
    bool busy_ = false;
    bool over_ = false;
    double sent_ms_ = 0;
    struct OpenWait {
        WantedLock lock;
        double from_ms;
    };
    std::optional<OpenWait> wait_;
    double longest_wait_ms_ = 0; // of the statement
    std::optional<MigrationFailure> failure_;
};

} // namespace dbperf::client::blocking
