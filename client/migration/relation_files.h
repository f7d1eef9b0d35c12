// Owns reading which relations a database has, what files they are in, and what a transaction has done to them so far.
#pragma once

#include "migration/migration_effect.h"
#include "postgres/connection.h"

#include <map>
#include <string>
#include <vector>

namespace dbperf::client::migration {

struct Relation {
    std::string name; // without the schema public
    std::string kind; // as pg_class.relkind
    std::string file; // "" for what has none
    std::string table;
};

using Relations = std::map<long long, Relation>; // by OID

// Those of users, without temporary ones and dbperf's own; sees what the session's transaction has done.
Relations read_relations(postgres::Connection &connection);

// What has another file than before; indexes and tables that are new count as built, new tables without an index do
// not.
std::vector<ChangedFile> changed_files(postgres::Connection &connection, const Relations &before,
                                       const Relations &after);

// Counters of the session's transaction, by OID of the table.
std::map<long long, TableWork> read_table_work(postgres::Connection &connection, const Relations &relations);

// What was added since the earlier look.
std::vector<TableWork> work_since(const std::map<long long, TableWork> &earlier,
                                  const std::map<long long, TableWork> &now);

} // namespace dbperf::client::migration
