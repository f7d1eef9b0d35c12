// Owns looking, from another database, at the locks of one session: which tables it has locked since when, and who it
// waits for. It takes no lock of that database, so that nothing waits for the one who looks.
#pragma once

#include "postgres/connection.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace dbperf::client::migration {

class LockWatch {
public:
    // Locks on relations of the watched session's database.
    LockWatch(const postgres::ConnectionTarget &other_database, postgres::Connection &watched);

    // Times are of a clock that the caller keeps; a lock counts from the look before the one that found it.
    void look(double now_ms);
    // A statement begins: nothing that is found later was there before.
    void restart(double now_ms) { last_look_ms_ = now_ms; }

    struct Since {
        double ms = 0;
        int statement = 0;
    };
    // By relation and mode.
    using Locks = std::map<std::pair<long long, std::string>, Since>;
    // Those found at the last look, and those gone since.
    const Locks &held() const { return held_; }
    // All locks with the time they were given back; forgets them.
    std::vector<std::pair<Locks::value_type, double>> take_released(double now_ms);

    void set_statement(int statement) { statement_ = statement; }
    // Who the session was found to wait for, in words; "" when it never did.
    const std::string &blockers() const { return blockers_; }

private:
    void look_for_blockers();

    postgres::Connection connection_;
    int pid_;
    std::string database_id_;
    Locks held_;
    std::vector<std::pair<Locks::value_type, double>> released_;
    double last_look_ms_ = 0;
    int statement_ = 0;
    std::string blockers_;
};

} // namespace dbperf::client::migration
