// Owns what a command under observation hears of the server: how to reach the database that dbperf was pointed to.
#pragma once

#include "base/environment.h"
#include "postgres/connection.h"

#include <string>
#include <utility>
#include <vector>

namespace dbperf::client::run {

using Variables = std::vector<std::pair<std::string, std::string>>;

// DBPERF_DATABASE_URL, and those of PG* that the environment does not have, unless it names another server: a mixture
// would name a third one.
Variables command_environment(const postgres::ConnectionTarget &target, const postgres::Connection &results,
                              const std::string &database, const base::Environment &environment);

// The variables of the first, with those that have a value elsewhere replaced; for tests.
Variables missing_variables(const Variables &server, const base::Environment &environment);

} // namespace dbperf::client::run
