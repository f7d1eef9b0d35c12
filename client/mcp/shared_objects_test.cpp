#include "mcp/shared_objects.h"

#include "migration/migration_file.h"

#include <gtest/gtest.h>

namespace dbperf::client::mcp {
using namespace migration;

namespace {

std::string object_of(const std::string &sql) {
    return shared_object(parse_migration(sql, "m.sql").statements.at(0).words);
}

TEST(SharedObjects, what_all_databases_share) {
    EXPECT_EQ(object_of("DROP DATABASE shop"), "a database");
    EXPECT_EQ(object_of("drop /* x */ database if exists shop"), "a database");
    EXPECT_EQ(object_of("ALTER SYSTEM SET work_mem = '1MB'"), "the server's settings");
    EXPECT_EQ(object_of("CREATE USER eve"), "a role");
    EXPECT_EQ(object_of("DROP OWNED BY dev"), "what a role owns in every database");
    EXPECT_EQ(object_of("COMMENT ON DATABASE shop IS 'x'"), "a database");
    EXPECT_EQ(object_of("COPY t TO PROGRAM 'sh'"), "a program");
}

TEST(SharedObjects, what_is_the_copys_own) {
    for (const char *sql : {"CREATE TABLE database (id int)", "DROP TABLE role", "CREATE USER MAPPING FOR dev SERVER s",
                            "ALTER TABLE t SET (fillfactor = 50)", "COMMENT ON TABLE t IS 'x'", "COPY t FROM STDIN"})
        EXPECT_EQ(object_of(sql), "") << sql;
}

} // namespace
} // namespace dbperf::client::mcp
