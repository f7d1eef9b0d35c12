// Owns talking to a server through libpq: every wait ends on a signal, every failure is a DatabaseError.
// Knows nothing of dbperf's schema. connection.cpp is the only file that includes libpq.
#pragma once

#include "base/error.h"
#include "postgres/connection_target.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct pg_conn;
struct pg_result;

namespace dbperf::client::postgres {

// A statement the server refused, or a connection that broke (then sqlstate() is empty).
class DatabaseError : public base::Error {
public:
    struct Fields {
        std::string message;
        std::string hint;
        std::string detail;
        std::string sqlstate;
        int position = 0; // 1-based, in characters of the text sent; 0: unknown
    };
    explicit DatabaseError(Fields fields);

    const std::string &sqlstate() const { return fields_.sqlstate; }
    const std::string &detail() const { return fields_.detail; }
    int position() const { return fields_.position; }

private:
    Fields fields_;
};

using Parameter = std::optional<std::string>; // nothing is NULL

// Rows of one answer, all values as text.
class Result {
public:
    Result() = default;
    explicit Result(pg_result *owned);

    int rows() const;
    int columns() const;
    std::string column_name(int column) const;
    bool has_column(std::string_view name) const;
    bool is_null(int row, std::string_view name) const;
    Parameter value(int row, int column) const;
    std::string text(int row, int column) const; // NULL is ""
    std::string text(int row, std::string_view name) const;
    std::optional<double> number(int row, std::string_view name) const;
    long long integer(int row, std::string_view name) const; // NULL is 0
    long long affected() const;                              // rows that the statement returned or changed
    bool is_floating(int column) const;                      // real or double precision
    bool boolean(int row, std::string_view name) const;      // NULL is false

private:
    int column(std::string_view name) const; // throws an internal error when it does not exist

    std::shared_ptr<pg_result> result_;
};

enum class TransactionState { none, open, failed };

class Connection {
public:
    // Throws a DatabaseError with a hint when there is no way in. The session has an empty search_path: what an
    // operator or a function means in dbperf's own statements is not for the owner of the database to say.
    static Connection open(const ConnectionTarget &target);

    // What the user wrote or a run kept is meant with the search_path that sessions of this role begin with here: that
    // from now on, and none again.
    void use_default_path();
    void use_no_path();
    // What it is; the session keeps the one that it has.
    std::string default_path();
    // Settings and role of a session that has just begun, with its search_path, and those that are to stay.
    void begin_anew();
    // Now, and whenever it begins anew: SET ...; SET ...
    void keep_settings(const std::string &sql);

    Connection(Connection &&) noexcept;
    Connection &operator=(Connection &&) noexcept;
    ~Connection();

    // Simple protocol; may hold several statements, gives the last one's result.
    Result execute(const std::string &sql);
    // Extended protocol: one statement, parameters of unknown type. Planned anew each time.
    Result execute(const std::string &sql, std::span<const Parameter> parameters);
    Result execute(const std::string &sql, std::initializer_list<Parameter> parameters);
    // The same with parameters of these types, 0 for one that the server infers.
    Result execute(const std::string &sql, std::span<const Parameter> parameters, std::span<const unsigned> types);
    // A type by its name with schema; 0 when there is none. Asks the server once.
    unsigned type_oid(const std::string &name);

    // The same as the first, and calls back from time to time until the answer is there: often at first, then rarely.
    Result execute_watched(const std::string &sql, const std::function<void()> &watch);

    // COPY ... FROM stdin with these rows.
    Result execute_copy(const std::string &sql, std::string_view rows, const std::function<void()> &watch = nullptr);

    // The asynchronous half: send, wait until finished() with poll() on descriptor(), then take().
    void send(const std::string &sql);
    void send(const std::string &sql, std::span<const Parameter> parameters, std::span<const unsigned> types);
    bool finished();
    Result take();
    // After COPY ... FROM stdin was sent and finished(), in place of take(): rows, piece by piece, gives how much of
    // them was taken; then the answer is waited for.
    void begin_rows();
    std::size_t put_rows(std::string_view rows);
    void end_rows();

    void cancel() noexcept;
    int descriptor() const;
    int backend_pid() const;
    TransactionState transaction() const;
    int server_version() const; // 150020
    std::string database() const;
    // The variables by which libpq programs reach the same server, role and database.
    std::vector<std::pair<std::string, std::string>> environment() const;
    // The same as a URI of another database, with what the environment does not say by itself, such as sslmode.
    std::string uri_of(const std::string &database) const;
    std::string quote_name(std::string_view name) const;
    std::string quote_text(std::string_view text) const;

private:
    explicit Connection(pg_conn *owned);
    void wait_for_answer(const std::function<void()> &watch = nullptr);
    [[noreturn]] void fail_with_connection_message();

    pg_conn *connection_ = nullptr;
    std::map<std::string, unsigned> types_;
    std::string kept_settings_;
};

} // namespace dbperf::client::postgres
