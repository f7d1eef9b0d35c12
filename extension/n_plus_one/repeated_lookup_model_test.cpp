// Random traces against the model, and beyond the bounds of what is remembered.
#include "n_plus_one/repeated_lookup_model.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace dbperf::n_plus_one {
namespace {

using model::Column;
using model::Model;

constexpr uint32_t threshold = 5;
constexpr UnitKind units[] = {UnitKind::tagged, UnitKind::transaction, UnitKind::burst, UnitKind::pool,
                              UnitKind::server};

struct Range {
    uint32_t producers, columns, max_values, keys;
};

// Statements that return rows, and those looked up afterwards: mostly the newest, mostly in order, but anything
// happens.
class World {
public:
    World(uint64_t seed, Range range) : random_(seed), range_(range) {
        next_serial_ = seed % 3 == 0 ? 0xffffffffu - below(60) : below(1000);
        sloppiness_ = below(3) * 8;
    }

    uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
    bool chance(uint32_t percent) { return below(100) < percent; }
    uint64_t hash() { return random_() | 1; }

    std::vector<LookupOrigin> origins() {
        if (batches_.empty() || chance(6))
            return_rows();
        std::vector<LookupOrigin> found;
        if (chance(10 + sloppiness_))
            return found;
        found.push_back(look_up(batches_.back()));
        while (chance(20)) {
            const size_t age = below(4);
            found.push_back(look_up(batches_[batches_.size() - 1 - std::min(age, batches_.size() - 1)]));
        }
        return found;
    }

    uint64_t key() {
        if (chance(50) || keys_.empty()) {
            const uint64_t key = keys_.size() < range_.keys || chance(1) ? hash() : keys_[below(range_.keys)];
            keys_.push_back(key);
            return key;
        }
        return keys_[chance(50) ? keys_.size() - 1 : below(static_cast<uint32_t>(keys_.size()))];
    }

private:
    struct Batch {
        LookupOrigin origin;
        uint16_t next_row;
    };

    uint32_t next_serial() {
        if (++next_serial_ == 0)
            ++next_serial_;
        return next_serial_;
    }

    void return_rows() {
        Batch batch{};
        LookupOrigin &origin = batch.origin;
        origin.producer = 1 + below(range_.producers);
        // Two that read one table, and one that computes its columns.
        origin.relation = origin.producer % 3 == 0 ? 0 : static_cast<uint32_t>(7 * ((origin.producer + 2) / 3));
        origin.values = static_cast<uint16_t>(1 + below(range_.max_values));
        origin.all_values = !chance(sloppiness_);
        origin.is_foreign = chance(20);
        origin.serial = next_serial();
        const bool goes_on = !batches_.empty() && chance(40);
        origin.root = goes_on ? batches_.back().origin.root : origin.serial;
        batches_.push_back(batch);
    }

    LookupOrigin look_up(Batch &batch) {
        LookupOrigin origin = batch.origin;
        origin.column = static_cast<int16_t>(1 + below(chance(80) ? 1 : range_.columns));
        const uint32_t room = origin.values;
        origin.row = static_cast<uint16_t>(chance(5 + 2 * sloppiness_) ? below(room) : batch.next_row++ % room);
        return origin;
    }

    std::mt19937_64 random_;
    Range range_;
    std::vector<Batch> batches_;
    std::vector<uint64_t> keys_;
    uint32_t next_serial_;
    uint32_t sloppiness_;
};

void expect_same(const LookupReport &is, const LookupReport &should) {
    ASSERT_EQ(is.confidence, should.confidence);
    if (should.confidence == Confidence::none)
        return;
    ASSERT_EQ(is.kind, should.kind);
    ASSERT_EQ(is.edge, should.edge);
    ASSERT_EQ(is.growth.calls, should.growth.calls);
    ASSERT_EQ(is.growth.exec, should.growth.exec);
    ASSERT_EQ(is.growth.wait, should.growth.wait);
    ASSERT_EQ(is.loop, should.loop);
    ASSERT_EQ(is.distinct, should.distinct);
    ASSERT_EQ(is.is_first, should.is_first);
}

// Adds what one execution brings to both.
void execute(World &world, RepeatedLookup &lookup, Model &model, const std::vector<LookupOrigin> &origins) {
    for (const LookupOrigin &origin : origins) {
        lookup.trace(origin);
        model.trace(origin);
    }
    const uint64_t exec = world.below(1000), wait = world.below(1000);
    const bool due = lookup.count(exec, wait);
    model.count(exec, wait);
    ASSERT_TRUE(due || !model.owes_rest());
    const uint64_t key = world.key();
    const bool fresh = lookup.add_key(key) == Novelty::fresh;
    ASSERT_EQ(fresh, model.add_key(key));
    if (!fresh && world.chance(95)) {
        const uint32_t parameters = world.chance(90) ? 1 : 2;
        lookup.add_repeat(key, parameters);
        model.add_repeat(key, parameters);
    }
}

void compare_edges(const RepeatedLookup &lookup, const Model &model) {
    ASSERT_EQ(static_cast<size_t>(lookup.edge_count), model.columns().size());
    for (size_t i = 0; i < model.columns().size(); ++i) {
        const LookupEdge &edge = lookup.edges[i];
        const Column column{edge.producer, edge.relation, edge.column, edge.key};
        ASSERT_EQ(column, model.columns()[i]);
        const model::NewestBatch it = model.newest_batch(column);
        ASSERT_EQ(edge.executions, it.executions.size());
        ASSERT_EQ(edge.distinct, it.positions.size());
        ASSERT_EQ(edge.values, it.values);
        for (const UnitKind unit : units)
            ASSERT_EQ(evidence_of(edge, lookup.work, threshold, unit),
                      model.evidence(column, it, lookup.work.calls, unit));
    }
}

// A lookup and its model, which are asked the same.
struct Both {
    RepeatedLookup &lookup;
    Model &model;
    World &world;
    uint64_t reported = 0;

    void relate() {
        for (int i; (i = lookup.undecided_edge()) >= 0;) {
            const auto at = static_cast<size_t>(i);
            const Relation relation = world.chance(30) ? Relation::related : Relation::none;
            lookup.edges[at].related = relation;
            model.relate(model.columns()[at], relation);
        }
    }

    // Asking changes nothing.
    LookupReport judge() {
        static RepeatedLookup before;
        std::memcpy(static_cast<void *>(&before), static_cast<const void *>(&lookup), sizeof before);
        const LookupReport judged = lookup.judge();
        EXPECT_EQ(std::memcmp(static_cast<const void *>(&before), static_cast<const void *>(&lookup), sizeof before),
                  0);
        return judged;
    }

    void take(const LookupReport &report) {
        reported += report.growth.calls;
        ASSERT_LE(reported, lookup.work.calls) << "no execution is reported twice";
        ASSERT_LE(report.loop, lookup.work.calls);
        ASSERT_LE(report.distinct, report.loop) << "no more keys than executions";
    }

    // One report; more may be due.
    void report(bool is_last, bool *any) {
        relate();
        const LookupReport report = lookup.report(is_last);
        expect_same(report, model.report(is_last));
        const uint64_t calls = lookup.work.calls;
        ASSERT_GT(lookup.next_check, calls);
        ASSERT_LE(lookup.next_check, calls + std::max<uint64_t>(threshold, calls / 32));
        take(report);
        *any = report.confidence != Confidence::none;
    }

    void report_all(bool is_last) {
        for (bool any = true; any;)
            ASSERT_NO_FATAL_FAILURE(report(is_last, &any));
    }
};

#if defined(__SANITIZE_ADDRESS__)
constexpr int traces_a_seed = 250;
#else
constexpr int traces_a_seed = 3000;
#endif

class repeated_lookup_model : public testing::TestWithParam<uint64_t> {};

// Eight seeds, a million executions.
TEST_P(repeated_lookup_model, agrees_with_the_model) {
    static RepeatedLookup lookup;
    for (uint64_t i = 0; i < traces_a_seed; ++i) {
        SCOPED_TRACE(i);
        World world(GetParam() * 1000000 + i,
                    {3, 2, 1 + static_cast<uint32_t>(i % 17), 1 + static_cast<uint32_t>(i % 30)});
        const UnitKind unit = units[world.below(std::size(units))];
        Model model(threshold, unit);
        lookup.begin(1, threshold, unit);
        Both both{lookup, model, world};
        for (int step = 0; step < 100; ++step) {
            ASSERT_NO_FATAL_FAILURE(execute(world, lookup, model, world.origins()));
            ASSERT_EQ(lookup.distinct, model.distinct());
            ASSERT_NO_FATAL_FAILURE(compare_edges(lookup, model));
            ASSERT_NO_FATAL_FAILURE(expect_same(both.judge(), model.judge()));
            if (lookup.work.calls >= lookup.next_check || world.chance(2)) {
                ASSERT_NO_FATAL_FAILURE(both.report_all(world.chance(2)));
            }
            if (world.chance(2)) {
                lookup.forget_repeats();
                model.forget_repeats();
            }
            // Who ends a run reports for a session that is idle.
            if (world.chance(1)) {
                const LookupReport judged = lookup.judge();
                lookup.accept(judged);
                model.accept(judged);
                ASSERT_NO_FATAL_FAILURE(both.take(judged));
            }
            if (world.chance(1)) {
                lookup.skip_report();
                model.skip_report();
            }
            if (world.chance(2))
                break;
        }
        ASSERT_NO_FATAL_FAILURE(both.report_all(true));
        ASSERT_EQ(both.judge().growth.calls, 0u) << "nothing is left to report";
    }
}
INSTANTIATE_TEST_SUITE_P(seeds, repeated_lookup_model, testing::Range<uint64_t>(1, 9));

// More columns, rows and keys than are remembered: less may be known, never more than happened.
TEST(repeated_lookup_bounds, nothing_is_made_up) {
    static RepeatedLookup lookup;
    for (uint64_t i = 0; i < (traces_a_seed + 9) / 10; ++i) {
        SCOPED_TRACE(i);
        World world(i, {6, 4, 1000, i % 2 == 0 ? 300u : 3000u});
        const UnitKind unit = units[world.below(std::size(units))];
        lookup.begin(1, threshold, unit);
        std::set<uint64_t> keys;
        std::map<Column, std::vector<uint64_t>> calls_of; // whose key the column returned
        Work reported{};
        const auto take_report = [&](bool is_last) {
            const LookupReport report = lookup.report(is_last);
            reported = {reported.calls + report.growth.calls, reported.exec + report.growth.exec,
                        reported.wait + report.growth.wait};
            ASSERT_LE(reported.calls, lookup.work.calls);
            ASSERT_EQ(reported.exec, 3 * reported.calls);
            ASSERT_EQ(reported.wait, 2 * reported.calls);
            ASSERT_EQ(report.confidence != Confidence::none, report.growth.calls > 0);
            ASSERT_GE(report.loop, report.growth.calls);
            ASSERT_LE(report.loop, lookup.work.calls);
            ASSERT_LE(report.distinct, report.loop);
            ASSERT_LT(report.edge, lookup.edge_count);
        };
        const auto take_all = [&](bool is_last) {
            for (uint64_t before = reported.calls + 1; before != reported.calls;) {
                before = reported.calls;
                ASSERT_NO_FATAL_FAILURE(take_report(is_last));
            }
        };
        for (int step = 0; step < 1000; ++step) {
            for (const LookupOrigin &origin : world.origins()) {
                lookup.trace(origin);
                calls_of[model::column_of(origin)].push_back(lookup.work.calls);
            }
            const bool due = lookup.count(3, 2);
            const uint64_t key = world.key();
            const bool is_new = keys.insert(key).second;
            if (lookup.add_key(key) == Novelty::repeated) {
                ASSERT_FALSE(is_new);
                lookup.add_repeat(key, 1);
            }
            ASSERT_GE(lookup.distinct, keys.size());
            ASSERT_TRUE(lookup.distinct == keys.size() || keys.size() >= RepeatedLookup::exact_keys);
            if (due) {
                ASSERT_NO_FATAL_FAILURE(take_all(world.chance(1)));
            }
        }
        ASSERT_LE(lookup.edge_count, RepeatedLookup::max_edges);
        for (int number = 0; number < lookup.edge_count; ++number) {
            const LookupEdge &edge = lookup.edges[static_cast<size_t>(number)];
            std::set<uint64_t> calls;
            for (const uint64_t call : calls_of[{edge.producer, edge.relation, edge.column, edge.key}])
                if (call >= edge.before.calls)
                    calls.insert(call);
            ASSERT_LE(edge.executions, calls.size());
            ASSERT_LE(edge.distinct, edge.values);
            ASSERT_TRUE(edge.ascents < edge.distinct || edge.distinct == 0);
            ASSERT_LE(edge.loop, lookup.work.calls - std::min(edge.before.calls, lookup.work.calls));
        }
        ASSERT_NO_FATAL_FAILURE(take_all(true));
        ASSERT_EQ(lookup.judge().growth.calls, 0u) << "nothing is left to report";
        if (unit == UnitKind::server) {
            ASSERT_EQ(reported.calls, lookup.work.calls);
        }
    }
}

} // namespace
} // namespace dbperf::n_plus_one
