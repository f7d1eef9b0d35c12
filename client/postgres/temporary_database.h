// Owns databases that exist only for one command: created as copies, dropped however the command ends.
#pragma once

#include "postgres/connection.h"

#include <string>

namespace dbperf::client::postgres {

// "dbperf_<purpose>_<8 random hexadecimal digits>".
std::string random_name(std::string_view purpose);

// A database that is dropped when this goes, also after an error or a signal.
class TemporaryDatabase {
public:
    // Template "" is the server's default. Waits some seconds for others to leave the template; settings made with
    // ALTER DATABASE are copied too, since plans depend on them.
    TemporaryDatabase(const ConnectionTarget &target, const std::string &maintenance_database, const std::string &name,
                      const std::string &template_name);
    ~TemporaryDatabase();
    TemporaryDatabase(const TemporaryDatabase &) = delete;
    TemporaryDatabase &operator=(const TemporaryDatabase &) = delete;

    const std::string &name() const { return name_; }
    ConnectionTarget target() const { return target_.with_database(name_); }

private:
    void create(Connection &connection, const std::string &template_name);
    void drop() noexcept;

    ConnectionTarget target_;
    std::string maintenance_database_;
    std::string name_;
};

// A database of the server other than the given one, to create and drop databases from.
std::string maintenance_database(const ConnectionTarget &target, const std::string &other_than);

} // namespace dbperf::client::postgres
