#include "postgres/connection.h"

#include "base/interrupt.h"
#include "base/secret.h"
#include "postgres/password_prompt.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <utility>

namespace dbperf::client::postgres {
using namespace base;

namespace {

constexpr int connect_timeout_ms = 30000;
constexpr int cancel_timeout_ms = 5000;

// Without the line breaks that libpq puts into it.
std::string trimmed(const char *message) {
    std::string text = message == nullptr ? "" : message;
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
        text.pop_back();
    for (std::size_t at = text.find("\n\t"); at != std::string::npos; at = text.find("\n\t", at))
        text.replace(at, 2, " ");
    return text;
}

std::string field(const PGresult *result, int code) {
    const char *value = PQresultErrorField(result, code);
    return value == nullptr ? "" : value;
}

DatabaseError::Fields fields_of(const PGresult *result) {
    DatabaseError::Fields fields;
    fields.message = field(result, PG_DIAG_MESSAGE_PRIMARY);
    if (fields.message.empty())
        fields.message = trimmed(PQresultErrorMessage(result));
    fields.hint = field(result, PG_DIAG_MESSAGE_HINT);
    fields.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    fields.sqlstate = field(result, PG_DIAG_SQLSTATE);
    fields.position = std::atoi(field(result, PG_DIAG_STATEMENT_POSITION).c_str());
    return fields;
}

// Waits for one event on the socket or a signal; false when the time is over.
bool poll_socket(int socket, short events, int timeout_ms) {
    std::array<pollfd, 2> waits = {{{socket, events, 0}, {interrupt_descriptor(), POLLIN, 0}}};
    int ready = 0;
    do
        ready = poll(waits.data(), waits.size(), timeout_ms);
    while (ready < 0 && errno == EINTR && !interrupted());
    return ready > 0;
}

std::string connection_hint(const std::string &message) {
    if (message.find("password") != std::string::npos)
        return "give the password with -W, PGPASSWORD or a .pgpass file";
    if (message.find("too many clients") != std::string::npos ||
        message.find("connection slots") != std::string::npos ||
        message.find("too many connections") != std::string::npos)
        return "close other sessions, use fewer clients, or raise max_connections";
    if (message.find("does not exist") != std::string::npos)
        return "name another database or role with -d and -U";
    return "name the server with -h, -p and -d, or with DBPERF_DATABASE_URL or PG*; `dbperf server start` makes a "
           "private one";
}

[[noreturn]] void fail_to_connect(const std::string &message) {
    DatabaseError::Fields fields;
    fields.message = without_passwords("cannot connect: " + message);
    fields.hint = connection_hint(message);
    throw DatabaseError(std::move(fields));
}

// PQconnectdbParams, but a signal ends it.
PGconn *connect(const std::vector<std::pair<std::string, std::string>> &parameters) {
    std::vector<const char *> keywords;
    std::vector<const char *> values;
    for (const auto &[keyword, value] : parameters) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    for (const auto &[keyword, value] :
         {std::pair{"fallback_application_name", "dbperf"}, std::pair{"client_encoding", "UTF8"}}) {
        keywords.push_back(keyword);
        values.push_back(value);
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    PGconn *connection = PQconnectStartParams(keywords.data(), values.data(), 1);
    if (connection == nullptr)
        throw internal_error("out of memory");
    short events = POLLOUT;
    while (PQstatus(connection) != CONNECTION_BAD) {
        const bool ready = poll_socket(PQsocket(connection), events, connect_timeout_ms);
        if (interrupted() || !ready) {
            PQfinish(connection);
            throw_if_interrupted();
            fail_to_connect("the server did not answer in time");
        }
        const PostgresPollingStatusType status = PQconnectPoll(connection);
        if (status == PGRES_POLLING_OK || status == PGRES_POLLING_FAILED)
            break;
        events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    }
    return connection;
}

// What libpq would read otherwise than it is meant goes to no name server, and what it cannot read is not repeated
// where it may hold a password.
void require_readable(const std::string &connection_string) {
    char *said = nullptr;
    PQconninfoOption *read = PQconninfoParse(connection_string.c_str(), &said);
    const std::string fault = read == nullptr ? trimmed(said) : "";
    PQconninfoFree(read);
    PQfreemem(said);
    const bool may_hold_password =
        !passwords_in(connection_string).empty() || connection_string.find('@') != std::string::npos;
    if (is_ambiguous_uri(connection_string) || (!fault.empty() && may_hold_password))
        throw environment_error("cannot read the connection string",
                                "write postgresql://user@host:port/database with all other signs percent-encoded, or"
                                " host=... dbname=... with values in quotes");
    if (!fault.empty())
        fail_to_connect(fault);
}

} // namespace

DatabaseError::DatabaseError(Fields fields)
    : Error(ExitCode::environment, fields.message, fields.hint), fields_(std::move(fields)) {}

Connection Connection::open(const ConnectionTarget &target) {
    auto parameters = target.parameters;
    if (!parameters.empty() && is_connection_string(parameters.front().second)) {
        conceal_passwords_of(parameters.front().second);
        require_readable(parameters.front().second);
    }
    bool asked = false;
    if (target.password == PasswordMode::always) {
        parameters.emplace_back("password", prompt_for_password());
        asked = true;
    }
    while (true) {
        Connection connection(connect(parameters));
        if (PQstatus(connection.connection_) == CONNECTION_OK) {
            PQsetNoticeProcessor(
                connection.connection_, [](void *, const char *) {}, nullptr);
            connection.use_no_path();
            return connection;
        }
        if (asked || target.password == PasswordMode::never || PQconnectionNeedsPassword(connection.connection_) == 0 ||
            !can_prompt())
            fail_to_connect(trimmed(PQerrorMessage(connection.connection_)));
        parameters.emplace_back("password", prompt_for_password());
        asked = true;
    }
}

void Connection::use_default_path() {
    execute("RESET search_path");
}

void Connection::use_no_path() {
    execute("SELECT pg_catalog.set_config('search_path', '', false)");
}

std::string Connection::default_path() {
    const std::string own = execute("SELECT pg_catalog.current_setting('search_path') AS path").text(0, "path");
    use_default_path();
    const std::string path = execute("SELECT pg_catalog.current_setting('search_path') AS path").text(0, "path");
    execute("SELECT pg_catalog.set_config('search_path', $1, false)", {own});
    return path;
}

void Connection::begin_anew() {
    execute("RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL;" + kept_settings_); // a role may be a default, too
}

void Connection::keep_settings(const std::string &sql) {
    execute(sql);
    kept_settings_ += sql + ";";
}

Connection::Connection(pg_conn *owned) : connection_(owned) {}

Connection::Connection(Connection &&other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), types_(std::move(other.types_)),
      kept_settings_(std::move(other.kept_settings_)) {}

Connection &Connection::operator=(Connection &&other) noexcept {
    std::swap(connection_, other.connection_);
    std::swap(types_, other.types_);
    std::swap(kept_settings_, other.kept_settings_);
    return *this;
}

Connection::~Connection() {
    if (connection_ != nullptr)
        PQfinish(connection_);
}

void Connection::fail_with_connection_message() {
    DatabaseError::Fields fields;
    fields.message = trimmed(PQerrorMessage(connection_));
    throw DatabaseError(std::move(fields));
}

void Connection::send(const std::string &sql) {
    if (PQsendQuery(connection_, sql.c_str()) == 0)
        fail_with_connection_message();
}

void Connection::send(const std::string &sql, std::span<const Parameter> parameters, std::span<const unsigned> types) {
    std::vector<const char *> values;
    for (const Parameter &parameter : parameters)
        values.push_back(parameter ? parameter->c_str() : nullptr);
    if (PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()),
                          types.empty() ? nullptr : types.data(), values.data(), nullptr, nullptr, 0) == 0)
        fail_with_connection_message();
}

bool Connection::finished() {
    if (PQconsumeInput(connection_) == 0)
        fail_with_connection_message();
    return PQisBusy(connection_) == 0;
}

Result Connection::take() {
    Result last;
    std::optional<DatabaseError::Fields> failure;
    while (PGresult *next = PQgetResult(connection_)) {
        const ExecStatusType status = PQresultStatus(next);
        if (status == PGRES_COPY_IN)
            PQputCopyEnd(connection_, "COPY FROM STDIN is not possible here");
        if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
            PQclear(next);
            DatabaseError::Fields fields;
            fields.message = "COPY TO STDOUT is not possible here";
            fields.sqlstate = "0A000";
            throw DatabaseError(std::move(fields));
        }
        const bool failed = status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
        if (failed && !failure)
            failure = fields_of(next);
        if (failed)
            PQclear(next);
        else
            last = Result(next);
    }
    if (failure)
        throw DatabaseError(std::move(*failure));
    return last;
}

void Connection::wait_for_answer(const std::function<void()> &watch) {
    const auto start = std::chrono::steady_clock::now();
    while (!finished()) {
        const auto waited =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
        const int pause_ms = static_cast<int>(std::clamp<long long>(waited / 20, 1, 50));
        if (!poll_socket(PQsocket(connection_), POLLIN, watch ? pause_ms : -1) && watch && !interrupted())
            watch();
        if (!interrupted())
            continue;
        cancel();
        const InterruptShield shield;
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(cancel_timeout_ms);
        while (!finished() && std::chrono::steady_clock::now() < end)
            poll_socket(PQsocket(connection_), POLLIN, 100);
        if (finished()) {
            try {
                take();
            } catch (const DatabaseError &) {
                // the cancelled statement's own error
            }
        }
        throw interrupted_error();
    }
}

Result Connection::execute(const std::string &sql) {
    throw_if_interrupted();
    send(sql);
    wait_for_answer();
    return take();
}

Result Connection::execute_watched(const std::string &sql, const std::function<void()> &watch) {
    throw_if_interrupted();
    send(sql);
    wait_for_answer(watch);
    return take();
}

void Connection::begin_rows() {
    PGresult *first = PQgetResult(connection_);
    if (first == nullptr)
        fail_with_connection_message();
    if (PQresultStatus(first) != PGRES_COPY_IN) {
        DatabaseError::Fields fields = fields_of(first);
        PQclear(first);
        take();
        throw DatabaseError(std::move(fields));
    }
    PQclear(first);
}

std::size_t Connection::put_rows(std::string_view rows) {
    constexpr std::size_t piece = 1 << 16;
    const std::string_view part = rows.substr(0, piece);
    if (PQputCopyData(connection_, part.data(), static_cast<int>(part.size())) < 0)
        fail_with_connection_message();
    return part.size();
}

void Connection::end_rows() {
    if (PQputCopyEnd(connection_, interrupted() ? "interrupted" : nullptr) < 0)
        fail_with_connection_message();
}

Result Connection::execute_copy(const std::string &sql, std::string_view rows, const std::function<void()> &watch) {
    throw_if_interrupted();
    send(sql);
    wait_for_answer(watch);
    begin_rows();
    while (!rows.empty() && !interrupted())
        rows.remove_prefix(put_rows(rows));
    end_rows();
    wait_for_answer(watch);
    return take();
}

Result Connection::execute(const std::string &sql, std::span<const Parameter> parameters) {
    return execute(sql, parameters, {});
}

unsigned Connection::type_oid(const std::string &name) {
    const auto known = types_.find(name);
    if (known != types_.end())
        return known->second;
    const Result found = execute("SELECT coalesce(pg_catalog.to_regtype($1)::pg_catalog.oid, 0) AS oid", {name});
    return types_[name] = static_cast<unsigned>(found.integer(0, "oid"));
}

Result Connection::execute(const std::string &sql, std::span<const Parameter> parameters,
                           std::span<const unsigned> types) {
    throw_if_interrupted();
    send(sql, parameters, types);
    wait_for_answer();
    return take();
}

Result Connection::execute(const std::string &sql, std::initializer_list<Parameter> parameters) {
    return execute(sql, std::span<const Parameter>(parameters.begin(), parameters.size()));
}

void Connection::cancel() noexcept {
    if (PGcancel *request = PQgetCancel(connection_)) {
        std::array<char, 256> message{};
        PQcancel(request, message.data(), static_cast<int>(message.size()));
        PQfreeCancel(request);
    }
}

int Connection::descriptor() const {
    return PQsocket(connection_);
}
int Connection::backend_pid() const {
    return PQbackendPID(connection_);
}
int Connection::server_version() const {
    return PQserverVersion(connection_);
}
TransactionState Connection::transaction() const {
    switch (PQtransactionStatus(connection_)) {
    case PQTRANS_INTRANS:
        return TransactionState::open;
    case PQTRANS_INERROR:
        return TransactionState::failed;
    default:
        return TransactionState::none;
    }
}
std::string Connection::database() const {
    return PQdb(connection_);
}

std::vector<std::pair<std::string, std::string>> Connection::environment() const {
    std::vector<std::pair<std::string, std::string>> variables;
    const auto add = [&variables](const char *name, const char *value) {
        if (value != nullptr && *value != '\0')
            variables.emplace_back(name, value);
    };
    add("PGHOST", PQhost(connection_));
    add("PGPORT", PQport(connection_));
    add("PGUSER", PQuser(connection_));
    add("PGPASSWORD", PQpass(connection_));
    add("PGDATABASE", PQdb(connection_));
    return variables;
}

std::string Connection::uri_of(const std::string &database) const {
    const auto encoded = [](std::string_view text) {
        std::string result;
        for (const char c : text) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                               std::string_view("-._~").find(c) != std::string_view::npos;
            result += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
        return result;
    };
    const auto options_of = [](PQconninfoOption *options) {
        std::map<std::string, std::string> values;
        for (const PQconninfoOption *each = options; each != nullptr && each->keyword != nullptr; ++each)
            if (each->val != nullptr && *each->val != '\0')
                values[each->keyword] = each->val;
        PQconninfoFree(options);
        return values;
    };
    const std::string host = PQhost(connection_);
    const std::string password = PQpass(connection_);
    const bool is_socket = host.starts_with('/') || host.starts_with('@') || host.empty();
    std::string uri = fmt::format("postgresql://{}{}@", encoded(PQuser(connection_)),
                                  password.empty() ? "" : ":" + encoded(password));
    if (!is_socket)
        uri += (host.find(':') == std::string::npos ? encoded(host) : "[" + host + "]") + ":" + PQport(connection_);
    uri += "/" + encoded(database);
    char separator = '?';
    const auto add = [&](const std::string &keyword, const std::string &value) {
        uri += fmt::format("{}{}={}", std::exchange(separator, '&'), keyword, encoded(value));
    };
    if (is_socket) {
        add("host", host);
        add("port", PQport(connection_));
    }
    const auto defaults = options_of(PQconndefaults());
    for (const auto &[keyword, value] : options_of(PQconninfo(connection_))) {
        const bool is_said = keyword == "host" || keyword == "hostaddr" || keyword == "port" || keyword == "user" ||
                             keyword == "password" || keyword == "dbname" || keyword == "client_encoding" ||
                             keyword == "fallback_application_name" || keyword == "service";
        const auto known = defaults.find(keyword);
        if (!is_said && (known == defaults.end() || known->second != value))
            add(keyword, value);
    }
    return uri;
}

std::string Connection::quote_name(std::string_view name) const {
    char *quoted = PQescapeIdentifier(connection_, name.data(), name.size());
    if (quoted == nullptr)
        throw usage_error(fmt::format("not a valid name: {}", trimmed(PQerrorMessage(connection_))));
    std::string text = quoted;
    PQfreemem(quoted);
    return text;
}

std::string Connection::quote_text(std::string_view value) const {
    char *quoted = PQescapeLiteral(connection_, value.data(), value.size());
    if (quoted == nullptr)
        throw usage_error(fmt::format("not a valid text: {}", trimmed(PQerrorMessage(connection_))));
    std::string text = quoted;
    PQfreemem(quoted);
    return text;
}

} // namespace dbperf::client::postgres
