// Creating and dropping the databases that are dbperf's own. In a worker that is connected to some other database.
#pragma once

#include "server/pg.h"

#include "analysis/pool_size.h"

namespace dbperf::copy_database {

struct Request {
    const char *name;
    Oid original;
    bool is_template; // closed to connections, to be copied from
    CopyStrategy strategy;
    const char *note; // behind the mark
};

// The new database with the owner and the settings of the original; inside a transaction.
Oid create(const Request &request);

// Whether its name and its comment say that dbperf made it; inside a transaction.
bool is_ours(Oid database, const char *name);

// False while somebody is connected, with *error when it failed otherwise. In transactions of its own.
bool drop(Oid database, ErrorData **error);

// Calls visit for every database that is_ours(); inside a transaction.
void visit_all(void (*visit)(Oid database, const char *name));

// A new name with the prefix.
void make_name(NameData *name, const char *prefix);

} // namespace dbperf::copy_database
