// Owns building a template from migrations: once however many processes ask, whole or not at all.
#pragma once

#include "postgres/connection.h"
#include "terminal/progress.h"

#include <string>
#include <vector>

namespace dbperf::client::testdb {

struct TemplateRequest {
    std::vector<std::string> migrations; // files, in order
    std::string migrate_command;         // for sh, after them
    std::string seed;                    // a file; empty: none
    std::string name;                    // empty: from the content
};

struct PreparedTemplate {
    std::string name;
    bool built = false; // false: it was there
};

// A database under this name that is as migrations and seed make it, closed to connections. One of the same name and
// other content, if dbperf made it, is replaced. Leaves nothing behind when anything fails.
PreparedTemplate prepare_template(const postgres::ConnectionTarget &target, postgres::Connection &home,
                                  const TemplateRequest &request, terminal::Progress &progress);

} // namespace dbperf::client::testdb
