#include "migration/migration_folder.h"

#include "base/error.h"

#include <gtest/gtest.h>

using namespace dbperf::client::base;
using namespace dbperf::client::migration;

namespace {

using Paths = std::vector<std::string>;

} // namespace

TEST(migration_folder, numbers_are_not_texts) {
    EXPECT_EQ(order_migrations({"m/10_c.sql", "m/9_b.sql", "m/001_a.sql"}),
              (Paths{"m/001_a.sql", "m/9_b.sql", "m/10_c.sql"}));
    EXPECT_EQ(order_migrations({"20260102030405_b.sql", "20251231235959_a.sql"}),
              (Paths{"20251231235959_a.sql", "20260102030405_b.sql"}));
}

TEST(migration_folder, golang_migrate) {
    EXPECT_EQ(order_migrations({"2_b.down.sql", "2_b.up.sql", "1_a.up.sql", "1_a.down.sql"}),
              (Paths{"1_a.up.sql", "2_b.up.sql"}));
}

TEST(migration_folder, flyway) {
    EXPECT_EQ(order_migrations({"R__views.sql", "V1.10__d.sql", "V1.9__c.sql", "V1__a.sql", "V1_1__b.sql", "U1__a.sql",
                                "R__functions.sql"}),
              (Paths{"V1__a.sql", "V1_1__b.sql", "V1.9__c.sql", "V1.10__d.sql", "R__functions.sql", "R__views.sql"}));
}

TEST(migration_folder, what_has_no_order_is_refused) {
    EXPECT_THROW(order_migrations({"1_a.sql", "schema.sql"}), Error);
    EXPECT_THROW(order_migrations({"1_a.sql", "01_b.sql"}), Error);
    EXPECT_TRUE(order_migrations({}).empty());
}
