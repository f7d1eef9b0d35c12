#include "database_pool/pool_size.h"

#include <gtest/gtest.h>

using namespace dbperf::database_pool;

namespace {

PoolState idle() {
    return {.ready = 0,
            .waiting = 0,
            .demand = 0,
            .copy_time = 0.1,
            .in_all = 0,
            .most = 32,
            .copy_size = 10,
            .size_in_all = 0,
            .max_size = 1000};
}

template <typename Set>
uint32_t made(Set set) {
    PoolState pool = idle();
    set(pool);
    return copies_to_make(pool);
}

} // namespace

TEST(pool_size, keeps_one_spare) {
    EXPECT_EQ(made([](PoolState &) {}), 1u);
    EXPECT_EQ(made([](PoolState &pool) { pool.ready = 1; }), 0u);
    EXPECT_EQ(made([](PoolState &pool) { pool.ready = 7; }), 0u);
}

TEST(pool_size, serves_who_waits) {
    EXPECT_EQ(made([](PoolState &pool) { pool.waiting = 3; }), 4u);
    EXPECT_EQ(made([](PoolState &pool) { pool.waiting = 3, pool.ready = 2; }), 2u);
}

TEST(pool_size, grows_with_demand_and_with_the_time_of_a_copy) {
    EXPECT_EQ(made([](PoolState &pool) { pool.demand = 10; }), 3u);
    EXPECT_EQ(made([](PoolState &pool) { pool.demand = 10, pool.copy_time = 0.5; }), 11u);
    EXPECT_EQ(made([](PoolState &pool) { pool.demand = 1e30; }), 32u);
}

TEST(pool_size, stays_within_its_bounds) {
    EXPECT_EQ(made([](PoolState &pool) { pool.waiting = 9, pool.in_all = 30; }), 2u);
    EXPECT_EQ(made([](PoolState &pool) { pool.waiting = 9, pool.in_all = 40; }), 0u);
    EXPECT_EQ(made([](PoolState &pool) { pool.waiting = 9, pool.size_in_all = 975; }), 2u);
    EXPECT_EQ(made([](PoolState &pool) { pool.waiting = 9, pool.size_in_all = 2000; }), 0u);
    EXPECT_EQ(made([](PoolState &pool) { pool.copy_size = 2000; }), 0u);
    EXPECT_EQ(made([](PoolState &pool) { pool.copy_size = 0; }), 1u);
}

TEST(pool_size, demand_is_measured_and_forgotten) {
    DemandRate rate;
    EXPECT_EQ(rate.per_second(5), 0);
    double now = 0;
    for (; now < 100; now += 0.25)
        rate.count(now);
    EXPECT_NEAR(rate.per_second(now), 4, 0.2);
    EXPECT_NEAR(rate.per_second(now + DemandRate::half_life), 2, 0.1);
    EXPECT_LT(rate.per_second(now + 200), 0.01);
}

TEST(pool_size, the_faster_strategy_is_kept) {
    EXPECT_EQ(choose_strategy(0, 0, true), CopyStrategy::wal_log);
    EXPECT_EQ(choose_strategy(0.2, 0, true), CopyStrategy::file_copy);
    EXPECT_EQ(choose_strategy(0.2, 0.1, true), CopyStrategy::file_copy);
    EXPECT_EQ(choose_strategy(0.1, 0.2, true), CopyStrategy::wal_log);
}

TEST(pool_size, a_loaded_server_is_spared_checkpoints) {
    EXPECT_EQ(choose_strategy(0.2, 0, false), CopyStrategy::wal_log);
    EXPECT_EQ(choose_strategy(0.2, 0.1, false), CopyStrategy::wal_log);
    constexpr uint64_t megabyte = uint64_t{1} << 20;
    EXPECT_TRUE(is_cheap_checkpoint(0, 0));
    EXPECT_TRUE(is_cheap_checkpoint(50 * megabyte, 10 * megabyte));
    EXPECT_FALSE(is_cheap_checkpoint(500 * megabyte, 10 * megabyte));
    EXPECT_TRUE(is_cheap_checkpoint(500 * megabyte, 200 * megabyte));
}
