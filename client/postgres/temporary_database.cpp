#include "postgres/temporary_database.h"

#include "base/interrupt.h"
#include "postgres/clone_claim.h"
#include "postgres/stored_setting.h"

#include <fmt/format.h>

#include <chrono>
#include <random>
#include <thread>

namespace dbperf::client::postgres {
using namespace base;

namespace {

constexpr std::chrono::seconds template_patience{10};
constexpr int template_retry_ms = 100;
constexpr int drop_attempts = 3;
constexpr std::chrono::milliseconds drop_pause{300};

// A stored value is whatever its role chose: nothing of it may become SQL.
std::string setting_value(Connection &connection, const std::string &name, const std::string &value) {
    if (!is_name_list(name))
        return connection.quote_text(value);
    const auto names = split_name_list(value);
    if (!names)
        throw DatabaseError({"its value is no list of names", "", "", "22023"});
    std::string list;
    for (const std::string &each : *names)
        list += (list.empty() ? "" : ", ") + connection.quote_text(each);
    return list.empty() ? "''" : list;
}

std::string setting_name(Connection &connection, const std::string &name) {
    std::string quoted;
    for (const std::string &part : setting_name_parts(name))
        quoted += (quoted.empty() ? "" : ".") + connection.quote_name(part);
    return quoted;
}

// Those of the database, and those that a role has in this database.
void copy_settings(Connection &connection, const std::string &from, const std::string &to) {
    const Result settings = connection.execute(
        "SELECT r.rolname AS role, coalesce(r.rolname = session_user, true) AS matters, c.setting"
        " FROM pg_catalog.pg_db_role_setting AS s JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase"
        " LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole CROSS JOIN pg_catalog.unnest(s.setconfig) AS c "
        "(setting)"
        " WHERE d.datname = $1 ORDER BY s.setrole",
        {from});
    for (int row = 0; row < settings.rows(); ++row) {
        const std::string setting = settings.text(row, "setting");
        const std::size_t equals = setting.find('=');
        const std::string name = setting.substr(0, equals);
        const std::string value = setting.substr(equals + 1);
        // What the copies do is not the database's own run, and who may copy may not be one who keeps parameters.
        if (name == "dbperf.run" || name == "dbperf.keep_parameters")
            continue;
        const std::string whose =
            settings.is_null(row, "role")
                ? fmt::format("DATABASE {}", connection.quote_name(to))
                : fmt::format("ROLE {} IN DATABASE {}", connection.quote_name(settings.text(row, "role")),
                              connection.quote_name(to));
        try {
            connection.execute(fmt::format("ALTER {} SET {} TO {}", whose, setting_name(connection, name),
                                           setting_value(connection, name, value)));
        } catch (const DatabaseError &error) {
            if (error.sqlstate().empty())
                throw;
            if (settings.boolean(row, "matters")) // other roles do not use the copy
                throw environment_error(
                    fmt::format("cannot copy the setting {} of the database \"{}\": {}", name, from, error.what()),
                    "let a superuser compare, or GRANT SET ON PARAMETER to this role");
        }
    }
}

std::string size_of(Connection &connection, const std::string &database) {
    try {
        return connection
            .execute("SELECT pg_catalog.pg_size_pretty(pg_catalog.pg_database_size($1::pg_catalog.name)) AS size",
                     {database})
            .text(0, "size");
    } catch (const DatabaseError &) {
        return "of a size this role may not see";
    }
}

std::string users_of(Connection &connection, const std::string &database) {
    const Result users =
        connection.execute("SELECT string_agg(format('%s (pid %s)', coalesce(nullif(application_name, ''), "
                           "backend_type, 'unknown'), pid), ', ') AS users"
                           " FROM pg_catalog.pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
                           {database});
    return users.text(0, "users");
}

} // namespace

std::string random_name(std::string_view purpose) {
    std::random_device source;
    return fmt::format("dbperf_{}_{:08x}", purpose, static_cast<std::uint32_t>(source()));
}

TemporaryDatabase::TemporaryDatabase(const ConnectionTarget &target, const std::string &maintenance_database,
                                     const std::string &name, const std::string &template_name)
    : target_(target), maintenance_database_(maintenance_database), name_(name) {
    Connection connection = Connection::open(target_.with_database(maintenance_database_));
    try {
        create(connection, template_name);
        if (!template_name.empty())
            copy_settings(connection, template_name, name_);
    } catch (...) {
        drop(); // a signal may arrive when the database exists already
        throw;
    }
}

void TemporaryDatabase::create(Connection &connection, const std::string &template_name) {
    const std::string sql =
        fmt::format("CREATE DATABASE {}{}", connection.quote_name(name_),
                    template_name.empty() ? "" : " TEMPLATE " + connection.quote_name(template_name));
    const auto end = std::chrono::steady_clock::now() + template_patience;
    while (true) {
        try {
            connection.execute(sql);
            return;
        } catch (const DatabaseError &error) {
            if (error.sqlstate() == "55006" && std::chrono::steady_clock::now() < end) {
                interruptible_sleep_ms(template_retry_ms);
                continue;
            }
            if (error.sqlstate() == "55006")
                throw environment_error(
                    fmt::format("cannot copy the database \"{}\": others are connected to it", template_name),
                    fmt::format("wait for or end these connections: {}", users_of(connection, template_name)));
            if (error.sqlstate() == "53100")
                throw environment_error(fmt::format("not enough disk space to copy the database \"{}\" ({}): {}",
                                                    template_name, size_of(connection, template_name), error.what()),
                                        "free space for two copies, or compare on a smaller database with --from");
            if (error.sqlstate() == "42501")
                throw environment_error(fmt::format("cannot create a database: {}", error.what()),
                                        "the role needs CREATEDB, and to own the database that is copied");
            throw environment_error(fmt::format("cannot create the database \"{}\": {}", name_, error.what()),
                                    error.hint());
        }
    }
}

TemporaryDatabase::~TemporaryDatabase() {
    drop();
}

void TemporaryDatabase::drop() noexcept {
    const InterruptShield shield;
    for (int attempt = 1;; ++attempt) {
        try {
            Connection connection = Connection::open(target_.with_database(maintenance_database_));
            connection.execute(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", connection.quote_name(name_)));
            return;
        } catch (const std::exception &error) {
            if (attempt < drop_attempts) {
                std::this_thread::sleep_for(drop_pause); // a checkpoint fails while the disk is full
                continue;
            }
            print_warning(fmt::format("cannot drop the database \"{}\": {}{}", name_, error.what(),
                                      is_claimed_name(name_) ? "; the next `dbperf compare` tries it again" : ""));
            return;
        }
    }
}

std::string maintenance_database(const ConnectionTarget &target, const std::string &other_than) {
    for (const char *name : {"postgres", "template1"}) {
        if (name == other_than)
            continue;
        try {
            Connection::open(target.with_database(name));
            return name;
        } catch (const DatabaseError &) {
            continue;
        }
    }
    throw environment_error("no other database to connect to while one is copied",
                            "the databases postgres or template1 serve for that");
}

} // namespace dbperf::client::postgres
