// Owns the sample shop: where its files are, how its database is made, and the application with the N+1 in it.
#pragma once

#include "postgres/connection.h"
#include "terminal/progress.h"

#include <string>

namespace dbperf::client::demo {

struct SampleShop {
    std::string folder;

    std::string baseline() const { return folder + "/migrations/001_baseline.sql"; }
    std::string indexes() const { return folder + "/migrations/002_add_indexes.sql"; }
    std::string seed() const { return folder + "/benchmarks/data/seed.sql"; }
    std::string queries() const { return folder + "/benchmarks/queries"; }
    std::string deadlock() const { return folder + "/benchmarks/deadlocks/reverse_order.spec"; }
};

// The given folder, else one found upwards from here or from this program, else the installed one.
SampleShop find_sample_shop(const std::string &folder);

// Two databases: the shop before 002_add_indexes.sql and, copied from it, the shop with it.
void create_shop(const postgres::ConnectionTarget &target, const SampleShop &shop, const std::string &before,
                 const std::string &after, int scale, terminal::Progress &progress);

struct ShopSize {
    long long users = 0;
    long long orders = 0;
};

ShopSize measure_shop(const postgres::ConnectionTarget &target);

// What an application without joins does: the newest orders, then one look-up a row for its user. Gives the number of
// look-ups.
int list_orders_one_by_one(const postgres::ConnectionTarget &target, int orders);

} // namespace dbperf::client::demo
