// Owns the question whether a server has what a command needs, and the sentence that says how to fix it.
#pragma once

#include "postgres/connection.h"

#include <string>

namespace dbperf::client::postgres {

struct DbperfState {
    bool module_loaded = false;    // by shared_preload_libraries
    std::string extension_version; // "": not created in this database
    std::string available_version; // "": its files are not installed on the server
    std::string module_version;    // "": not known
    std::string results_database;  // "": not chosen yet
    bool usable = false;           // this role may call its functions
};

DbperfState read_dbperf_state(Connection &connection);

// Throws an environment error with a hint unless module and extension are there, of this program's version and usable.
void require_dbperf(Connection &connection);

// The database in which this server keeps its results, as any database of it knows; "" when there is none, or no
// dbperf.
std::string results_database_of(Connection &connection);

// Connects, goes on to the results database when that is another one, and checks. The database that was named need not
// have the extension; its name is left in named_database.
Connection open_results(const ConnectionTarget &target, std::string *named_database = nullptr);

// The version of this program, as major.minor.
std::string client_version();

} // namespace dbperf::client::postgres
