// Owns looking, from another database, at which of some sessions wait for a lock, and at what a migration's session has
// there. It takes no lock of that database. Asynchronous: whoever waits for several sessions waits for this one, too.
#pragma once

#include "blocking/observed_block.h"
#include "postgres/connection.h"

#include <map>
#include <string>
#include <vector>

namespace dbperf::client::blocking {

struct SampledWait {
    int pid = 0;
    WantedLock lock;
    double waited_ms = 0;      // by the server's clock
    std::vector<int> blockers; // holders, and those before it in the queue
    std::string held;          // the migration's strongest mode there that conflicts; "" when it has none
};

class LockSamples {
public:
    // Relations are named as they are in the copy now.
    LockSamples(const postgres::ConnectionTarget &other_database, postgres::Connection &in_copy);
    // The sessions to look at, before the first sample.
    void watch(int migration_pid, std::vector<int> pids);

    bool is_busy() const { return busy_; }
    int descriptor() const { return connection_.descriptor(); }
    void send();
    // Once it is finished.
    bool is_finished() { return busy_ && connection_.finished(); }
    std::vector<SampledWait> take();
    // A session that is none of those, in words. Asks at once.
    std::string stranger(int pid);

private:
    std::string relation_name(long long oid) const;

    postgres::Connection connection_;
    std::map<long long, std::string> names_;
    std::map<int, std::string> strangers_;
    std::string sql_;
    bool busy_ = false;
};

} // namespace dbperf::client::blocking
