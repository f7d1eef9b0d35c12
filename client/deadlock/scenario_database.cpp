#include "deadlock/scenario_database.h"

#include "base/error.h"
#include "postgres/connection.h"

#include <fmt/format.h>

#include <utility>

namespace dbperf::client::deadlock {
using namespace base;
using namespace postgres;

namespace {

void check_deadlock_timeout(Connection &connection, const std::string &timeout) {
    try {
        connection.execute(fmt::format("SET deadlock_timeout = {}", connection.quote_text(timeout)));
    } catch (const DatabaseError &error) {
        if (error.sqlstate() == "42501")
            throw environment_error("this role may not set deadlock_timeout",
                                    "GRANT SET ON PARAMETER deadlock_timeout TO it, or leave out --deadlock-timeout");
        throw usage_error(fmt::format("\"{}\" is no deadlock_timeout: {}", timeout, error.what()),
                          "write it as 10ms, 100ms or 1s");
    }
}

} // namespace

ScenarioDatabase::Start ScenarioDatabase::look(const ConnectionTarget &server, const std::vector<std::string> &wanted) {
    Connection connection = Connection::open(server); // nobody may be connected to what is copied
    Start start{connection.database(), {}};
    for (const std::string &timeout : wanted) {
        check_deadlock_timeout(connection, timeout);
        start.timeouts.push_back({timeout, timeout});
    }
    if (wanted.empty())
        start.timeouts.push_back({connection.execute("SHOW deadlock_timeout").text(0, 0), ""});
    return start;
}

ScenarioDatabase::ScenarioDatabase(const ConnectionTarget &server, const DeadlockOptions &options)
    : ScenarioDatabase(server, look(server, options.deadlock_timeouts)) {}

ScenarioDatabase::ScenarioDatabase(const ConnectionTarget &server, Start start)
    : timeouts_(std::move(start.timeouts)), database_(server, start.home, random_name("deadlock"), "") {}

} // namespace dbperf::client::deadlock
