// Creating and dropping the databases that are dbperf's own. In a worker that is connected to some other database.
#pragma once

#include "core/pg.h"

#include <span>

#include "database_pool/pool_size.h"

namespace dbperf::database_pool::copy_database {

struct Request {
    const char *name;
    Oid original;
    Oid source;       // whose rights, limits and settings it is given; the original when that one is gone
    bool is_template; // closed to connections, to be copied from
    CopyStrategy strategy;
    const char *note; // behind the mark
};

// The new database, which nobody sees before the transaction ends: so nobody connects who may not.
Oid create(const Request &request);

// False while somebody is connected, with *error when it failed otherwise. In transactions of its own. The name is the
// one it was given: by that one it is known even if somebody changed its comment; whoever renames it keeps it.
bool drop(Oid database, const NameData &name, ErrorData **error);

// Of a copy that is to be kept, also over a restart of the server: its comment says so from now on.
void note_kept(Oid database, const char *source_name);

// A database that dbperf made.
struct Existing {
    Oid database;
    Oid owner;
    NameData name;
    NameData source_name;
    TimestampTz kept_since; // 0: it is not kept
    uint64 size;
};
// How many there are, the oldest first, up to the length of the list; inside a transaction.
size_t find_all(std::span<Existing> found);

// A new name with the prefix.
void make_name(NameData *name, const char *prefix);

} // namespace dbperf::database_pool::copy_database
