// Batches of rows, and a statement that looks them up, fed as the hooks feed it. Only tests include it.
#pragma once

#include "n_plus_one/repeated_lookup.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/hash.h"

namespace dbperf::n_plus_one::model {

constexpr uint32_t threshold = 5;

inline uint64_t hash_of(uint64_t key) {
    return core::mix_bits(key) | 1;
}

// One column of an execution that returned rows.
inline LookupOrigin rows(uint32_t serial, uint16_t values, uint32_t root = 0) {
    LookupOrigin origin{};
    origin.producer = 77;
    origin.relation = 1;
    origin.column = 2;
    origin.root = root == 0 ? serial : root;
    origin.serial = serial;
    origin.values = values;
    origin.all_values = true;
    return origin;
}

inline LookupOrigin row(LookupOrigin of, uint32_t number) {
    of.row = static_cast<uint16_t>(number);
    return of;
}

// A statement in a unit of work, fed as the hooks feed it.
struct Statement {
    explicit Statement(UnitKind kind = UnitKind::transaction, Relation related = Relation::none) : relation(related) {
        lookup.begin(1, threshold, kind);
    }

    void execute(uint64_t key, std::vector<LookupOrigin> origins = {}, uint32_t parameters = 1) {
        for (const LookupOrigin &origin : origins)
            lookup.trace(origin);
        const bool due = lookup.count(10, 3);
        if (lookup.add_key(hash_of(key)) == Novelty::repeated)
            lookup.add_repeat(hash_of(key), parameters);
        if (due)
            report(false);
    }

    void report(bool is_last) {
        for (int i; (i = lookup.undecided_edge()) >= 0;)
            lookup.edges[static_cast<size_t>(i)].related =
                i == related_edge || related_edge < 0 ? relation : Relation::none;
        // A batch that is over may come before the one that goes on.
        for (LookupReport report = lookup.report(is_last); report.confidence != Confidence::none;
             report = lookup.report(is_last)) {
            reports.push_back(report);
            EXPECT_EQ(report.growth.exec, 10 * report.growth.calls);
            EXPECT_EQ(report.growth.wait, 3 * report.growth.calls);
            EXPECT_LE(report.distinct, report.loop);
        }
    }
    void end() { report(true); }

    // Looks up rows first..last, in their order.
    void walk(const LookupOrigin &list, uint32_t first, uint32_t last) {
        for (uint32_t i = first; i <= last; ++i)
            execute(1000 * list.serial + i, {row(list, i)});
    }

    // What it amounts to, if it is over now.
    Confidence judged() const { return lookup.judge().confidence; }
    Confidence verdict() const { return reports.empty() ? Confidence::none : reports.back().confidence; }
    LookupKind kind() const { return reports.back().kind; }
    uint64_t reported() const {
        uint64_t calls = 0;
        for (const LookupReport &report : reports)
            calls += report.growth.calls;
        return calls;
    }
    // Sizes of the loops reported.
    std::vector<uint64_t> loops() const {
        std::vector<uint64_t> sizes;
        for (const LookupReport &report : reports) {
            if (report.is_first || sizes.empty())
                sizes.push_back(0);
            EXPECT_EQ(report.loop, sizes.back() + report.growth.calls) << "reported as growing from its last size";
            sizes.back() = report.loop;
        }
        return sizes;
    }

    Relation relation;
    int related_edge = -1; // that alone has the relation; all without
    RepeatedLookup lookup;
    std::vector<LookupReport> reports;
};

using Sizes = std::vector<uint64_t>;

} // namespace dbperf::n_plus_one::model
