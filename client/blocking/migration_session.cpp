#include "blocking/migration_session.h"

#include <algorithm>

namespace dbperf::client::blocking {
using namespace base;
using namespace postgres;
using namespace migration;

MigrationSession::MigrationSession(const ConnectionTarget &target, const std::vector<Migration> &migrations,
                                   const std::string &lock_timeout, const Timeline &timeline)
    : connection_(Connection::open(target)), timeline_(timeline) {
    connection_.keep_settings("SET default_transaction_read_only = off");
    if (!lock_timeout.empty())
        connection_.keep_settings("SET lock_timeout = " + connection_.quote_text(lock_timeout));
    for (const Migration &migration : migrations)
        plan(migration);
    connection_.begin_anew();
}

MigrationSession::~MigrationSession() {
    if (busy_)
        connection_.cancel();
}

void MigrationSession::plan(const Migration &migration) {
    steps_.push_back({});
    if (migration.one_transaction)
        steps_.push_back({"BEGIN", {}});
    for (const MigrationStatement &statement : migration.statements) {
        steps_.push_back({statement.sql, statements_.size(), statement.rows ? &*statement.rows : nullptr});
        statements_.push_back({migration.file, statement.line, statement.sql, 0, 0, {}, {}});
    }
    steps_.push_back({"COMMIT", {}, nullptr, true});
}

void MigrationSession::step() {
    if (busy_ && connection_.finished())
        take_answer();
    if (sends_rows_) {
        if (!rows_.empty()) {
            rows_.remove_prefix(connection_.put_rows(rows_));
        } else {
            connection_.end_rows();
            sends_rows_ = false;
            busy_ = true;
        }
    }
    while (!busy_ && !sends_rows_ && !over_)
        send_next();
}

void MigrationSession::send_next() {
    if (next_ == steps_.size()) {
        over_ = true;
        return;
    }
    const Step &step = steps_[next_];
    if (step.sql.empty()) {
        connection_.begin_anew();
        ++next_;
        return;
    }
    if (step.if_open && connection_.transaction() == TransactionState::none) {
        ++next_;
        return;
    }
    if (step.statement) {
        statement_ = *step.statement;
        longest_wait_ms_ = 0;
    }
    sent_ms_ = timeline_.now_ms();
    connection_.send(step.sql);
    busy_ = true;
}

void MigrationSession::take_answer() {
    const Step &step = steps_[next_];
    const double now_ms = timeline_.now_ms();
    busy_ = false;
    try {
        if (step.rows != nullptr && rows_.data() == nullptr) {
            connection_.begin_rows();
            rows_ = *step.rows;
            sends_rows_ = true;
            return;
        }
        connection_.take();
    } catch (const DatabaseError &error) {
        if (error.sqlstate().empty())
            throw;
        failure_ = MigrationFailure{statement_, error.what(), error.sqlstate()};
        over_ = true;
    }
    rows_ = {};
    end_wait(now_ms);
    if (step.statement)
        statements_[*step.statement].ms = now_ms - sent_ms_;
    if (failure_ && connection_.transaction() != TransactionState::none)
        connection_.execute("ROLLBACK");
    ++next_;
}

void MigrationSession::note_wait(const SampledWait *wait, const std::function<std::string(int pid)> &who) {
    const double now_ms = timeline_.now_ms();
    if (wait_ && (wait == nullptr || !(wait_->lock == wait->lock)))
        end_wait(now_ms);
    if (wait == nullptr || !busy_ || statements_.empty())
        return;
    if (!wait_)
        wait_ = OpenWait{wait->lock, std::max(sent_ms_, now_ms - wait->waited_ms)};
    std::vector<std::string> &held_by = statements_[statement_].held_by;
    for (const int pid : wait->blockers)
        if (const std::string name = who(pid); std::find(held_by.begin(), held_by.end(), name) == held_by.end())
            held_by.push_back(name);
}

void MigrationSession::end_wait(double now_ms) {
    if (!wait_)
        return;
    StatementRecord &record = statements_[statement_];
    const double ms = now_ms - wait_->from_ms;
    record.waited_ms += ms;
    if (ms >= longest_wait_ms_) {
        longest_wait_ms_ = ms;
        record.waited_for = wait_->lock;
    }
    wait_.reset();
}

} // namespace dbperf::client::blocking
