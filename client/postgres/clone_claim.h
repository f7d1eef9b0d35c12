// Owns the claim on databases that a command makes for itself: as long as its process lives, nobody else takes them for
// left behind; when it was killed, the next command drops them.
#pragma once

#include "postgres/connection.h"

#include <string>
#include <vector>

namespace dbperf::client::postgres {

class CloneClaim {
public:
    // An advisory lock in that database, for as long as this lives; taken before anything is created.
    explicit CloneClaim(const ConnectionTarget &maintenance);

    // "dbperf_compare_<12 hexadecimal digits>": eight are random, four follow from them.
    const std::string &name() const { return name_; }

private:
    std::string name_;
    Connection connection_;
};

// Whether this names a copy that a claim was made for: the name of a claim and _before, _after, _cycle,
// _production or _limited.
bool is_claimed_name(const std::string &database);

// Drops the copies of dead processes; gives their names. Those that somebody uses, or that this role may not drop,
// stay.
std::vector<std::string> drop_stale_clones(const ConnectionTarget &maintenance);

} // namespace dbperf::client::postgres
