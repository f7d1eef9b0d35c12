// Owns talking to a server through libpq: every wait ends on a signal, every failure is a DatabaseError.
// Knows nothing of dbperf's schema. Only connection.cpp and result.cpp include libpq.
#pragma once

#include "base/error.h"
#include "postgres/connection_target.h"
#include "postgres/result.h"

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
