#include "migration/migration_file.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::migration {
using namespace base;

namespace {

TEST(Migration, KnowsStatementsAndLines) {
    const Migration migration =
        parse_migration("-- why\n\nCREATE TABLE a (i int);\n\nCREATE INDEX ON a (i);\n", "m.sql");
    EXPECT_TRUE(migration.one_transaction);
    ASSERT_EQ(migration.statements.size(), 2u);
    EXPECT_EQ(migration.statements[0].line, 3);
    EXPECT_EQ(migration.statements[1].sql, "CREATE INDEX ON a (i)");
    EXPECT_EQ(migration.statements[1].line, 5);
}

TEST(Migration, SeesWhatRefusesATransaction) {
    for (const char *sql : {"CREATE INDEX CONCURRENTLY i ON a (b)", "create unique index concurrently i on a (b)",
                            "DROP INDEX CONCURRENTLY IF EXISTS i", "VACUUM a", "REINDEX TABLE CONCURRENTLY a",
                            "ALTER TABLE a DETACH PARTITION b CONCURRENTLY", "CREATE DATABASE x",
                            "ALTER SYSTEM SET work_mem = '1MB'", "BEGIN; SELECT 1; COMMIT"})
        EXPECT_FALSE(parse_migration(sql, "m.sql").one_transaction) << sql;
    for (const char *sql :
         {"CREATE INDEX concurrent ON a (b)", "ALTER TABLE a ADD COLUMN b int", "INSERT INTO a VALUES ('VACUUM')",
          "SAVEPOINT s; SELECT 1; ROLLBACK TO s", "PREPARE q AS SELECT 1", ""})
        EXPECT_TRUE(parse_migration(sql, "m.sql").one_transaction) << sql;
}

TEST(Migration, KnowsWhatMayBeWrapped) {
    for (const char *sql : {"CREATE INDEX ON a (b)", "UPDATE a SET b = 1", "VALUES (1)"})
        EXPECT_TRUE(can_be_wrapped(parse_migration(sql, "m.sql").statements.at(0))) << sql;
    for (const char *sql : {"VACUUM", "BEGIN", "CALL p()", "DO $$ BEGIN END $$", "SET search_path = a"})
        EXPECT_FALSE(can_be_wrapped(parse_migration(sql, "m.sql").statements.at(0))) << sql;
}

TEST(Migration, StopsBeforeTheWayDown) {
    EXPECT_EQ(parse_migration("-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;", "m.sql").statements.size(), 1u);
    EXPECT_EQ(parse_migration("-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;", "m.sql").statements.size(), 1u);
}

TEST(Migration, ReadsWhatPgDumpWrites) {
    const Migration migration =
        parse_migration("\\restrict abc\nSET a = 1;\nCOPY public.t (a, b) FROM stdin;\n1\t'; \\i x\n"
                        "2\t\\\\.\n\\.\n\n\nSELECT 2;\n\\unrestrict abc\n",
                        "m.sql");
    ASSERT_EQ(migration.statements.size(), 3u);
    EXPECT_EQ(migration.statements[0].line, 2);
    EXPECT_FALSE(migration.statements[0].rows);
    EXPECT_EQ(migration.statements[1].sql, "COPY public.t (a, b) FROM stdin");
    EXPECT_EQ(migration.statements[1].rows, "1\t'; \\i x\n2\t\\\\.\n");
    EXPECT_EQ(migration.statements[2].sql, "SELECT 2");
    EXPECT_EQ(migration.statements[2].line, 9);
    EXPECT_EQ(parse_migration("copy t from stdin with (format csv);\n\\.\n", "m.sql").statements.at(0).rows, "");
    EXPECT_FALSE(parse_migration("COPY t FROM 'stdin'; SELECT 'a'", "m.sql").statements.at(0).rows);
    EXPECT_FALSE(parse_migration("SELECT 1 FROM stdin; SELECT 2", "m.sql").statements.at(0).rows);
    expect_error([] { parse_migration("COPY t FROM stdin;\n1\n", "m.sql"); }, ExitCode::usage,
                 "m.sql:1: the rows of this COPY never end");
    expect_error([] { parse_migration("SELECT 1\n\\restrict a\n;", "m.sql"); }, ExitCode::usage,
                 "m.sql:2: psql commands");
}

TEST(Migration, RefusesPsqlCommandsAndOpenQuotes) {
    expect_error([] { parse_migration("SELECT 1;\n\\i other.sql", "m.sql"); }, ExitCode::usage,
                 "m.sql:2: psql commands");
    expect_error([] { parse_migration("SELECT 1;\nSELECT '", "m.sql"); }, ExitCode::usage, "m.sql:2: this quote");
}

} // namespace
} // namespace dbperf::client::migration
