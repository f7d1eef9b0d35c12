// Owns what every measurement of scenarios begins with: a database of its own and the deadlock_timeouts to try.
#pragma once

#include "deadlock/deadlock_options.h"
#include "postgres/temporary_database.h"

#include <string>
#include <vector>

namespace dbperf::client::deadlock {

struct DeadlockTimeout {
    std::string shown;
    std::string setting; // empty: the server's own
};

// The settings are checked by the server before the database is made; it is dropped in every case.
class ScenarioDatabase {
public:
    ScenarioDatabase(const postgres::ConnectionTarget &server, const DeadlockOptions &options);

    postgres::ConnectionTarget target() const { return database_.target(); }
    const std::string &name() const { return database_.name(); }
    const std::vector<DeadlockTimeout> &timeouts() const { return timeouts_; }

private:
    struct Start {
        std::string home;
        std::vector<DeadlockTimeout> timeouts;
    };
    static Start look(const postgres::ConnectionTarget &server, const std::vector<std::string> &wanted);
    ScenarioDatabase(const postgres::ConnectionTarget &server, Start start);

    std::vector<DeadlockTimeout> timeouts_;
    postgres::TemporaryDatabase database_;
};

} // namespace dbperf::client::deadlock
