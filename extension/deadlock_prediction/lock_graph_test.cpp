// What is an edge, and what is left out.
#include "deadlock_prediction/lock_graph.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace dbperf::deadlock_prediction {
using namespace core;

namespace {

// Transactions that update rows, each by a statement of its own with the fingerprint `statement`.
class Updates {
public:
    void add(std::initializer_list<uint64_t> rows, uint32_t seen = 1, uint64_t statement = 1) {
        steps_.emplace_back();
        statements_.emplace_back();
        for (const uint64_t row : rows) {
            LockStep step{};
            step.resource = row;
            step.object = 1;
            step.kind = LockKind::row;
            step.mode = static_cast<uint8_t>(RowAction::write);
            step.waits = true;
            step.released = never_released;
            step.statement = static_cast<uint16_t>(statements_.back().size());
            steps_.back().push_back(step);
            statements_.back().push_back(statement++);
        }
        traces_.push_back({steps_.back(), statements_.back(), seen});
    }

    std::vector<LockStep> &steps(size_t member) { return steps_[member]; }

    bool build(LockGraph *graph, size_t memory = 1 << 20) {
        memory_.resize(memory);
        Arena arena(memory_);
        return graph->build(traces_, arena);
    }

private:
    std::deque<std::vector<LockStep>> steps_;
    std::deque<std::vector<uint64_t>> statements_;
    std::vector<LockTrace> traces_;
    std::vector<std::byte> memory_;
};

TEST(LockGraph, OppositeOrdersAreAnEdgeEach) {
    Updates updates;
    updates.add({10, 20});
    updates.add({20, 10});
    LockGraph graph;
    ASSERT_TRUE(updates.build(&graph));
    ASSERT_EQ(graph.edges().size(), 2u);
    const LockEdge &one = graph.edges()[0], &two = graph.edges()[1];
    EXPECT_EQ(one.from, two.to);
    EXPECT_EQ(one.to, two.from);
    EXPECT_EQ(graph.held_by(one).resource, graph.requested_by(two).resource);
    EXPECT_EQ(graph.first_edge(one.from), 0u);
    EXPECT_EQ(graph.first_edge(two.from), 1u);
    EXPECT_TRUE(graph.is_complete());
}

TEST(LockGraph, OneOrderIsNoCircle) {
    Updates updates;
    updates.add({10, 20, 30});
    updates.add({10, 20, 30});
    LockGraph graph;
    ASSERT_TRUE(updates.build(&graph));
    EXPECT_TRUE(graph.edges().empty());
}

TEST(LockGraph, WhatOneTransactionAloneLocksIsLeftOut) {
    Updates updates;
    updates.add({10, 99, 20});
    updates.add({20, 10});
    LockGraph graph;
    ASSERT_TRUE(updates.build(&graph));
    EXPECT_EQ(graph.edges().size(), 2u);
    size_t held = 0;
    graph.each_held(0, 2, [&](uint16_t step, uint32_t) { held += 1 + step; });
    EXPECT_EQ(held, 1u) << "row 10, the first step";
}

TEST(LockGraph, WhoDoesNotWaitRequestsNothing) {
    Updates updates;
    updates.add({10, 20});
    updates.add({20, 10});
    updates.steps(0)[1].waits = false;
    LockGraph graph;
    ASSERT_TRUE(updates.build(&graph));
    for (const LockEdge &edge : graph.edges())
        EXPECT_NE(edge.trace, 0u);
}

TEST(LockGraph, WhatWasGivenBackIsNotHeld) {
    Updates updates;
    updates.add({10, 20});
    updates.add({20, 10});
    updates.steps(0)[0].released = 1;
    LockGraph graph;
    ASSERT_TRUE(updates.build(&graph));
    for (const LockEdge &edge : graph.edges())
        EXPECT_NE(edge.trace, 0u);
}

TEST(LockGraph, EqualEdgesOfOtherTransactionsOnlyCount) {
    Updates updates;
    updates.add({10, 20}, 2, 1);
    updates.add({10, 20}, 3, 1); // the same
    updates.add({10, 20}, 1, 7); // by other statements
    updates.add({20, 10});
    LockGraph graph;
    ASSERT_TRUE(updates.build(&graph));
    ASSERT_EQ(graph.edges().size(), 3u);
    uint32_t seen = 0;
    for (const LockEdge &edge : graph.edges())
        if (edge.trace == 0) {
            seen = edge.seen;
            EXPECT_EQ(edge.other, 1u);
        }
    EXPECT_EQ(seen, 5u);
}

TEST(LockGraph, NextIsTheFirstEdgeOfAnotherShape) {
    Updates updates;
    updates.add({10, 20}, 1, 1);
    updates.add({10, 5, 20}, 1, 1); // holds more: another edge, and by other statements
    updates.add({20, 10});
    updates.add({5, 20});
    LockGraph graph;
    ASSERT_TRUE(updates.build(&graph));
    const std::span<const LockEdge> edges = graph.edges();
    for (uint32_t i = 0; i < edges.size(); ++i) {
        uint32_t next = i + 1;
        while (next < edges.size() && edges[next].from == edges[i].from && edges[next].to == edges[i].to &&
               edges[next].shape == edges[i].shape)
            ++next;
        EXPECT_EQ(edges[i].next, next) << i;
    }
}

TEST(LockGraph, TooLittleMemoryIsSaid) {
    Updates updates;
    for (uint64_t row = 0; row < 40; ++row) {
        updates.add({row, row + 1, row + 2}, 1, row * 10 + 1);
        updates.add({row + 2, row + 1, row}, 1, row * 10 + 5);
    }
    size_t refused = 0, incomplete = 0, complete = 0;
    for (size_t memory = 64; memory < 65536; memory *= 2) {
        LockGraph graph;
        if (!updates.build(&graph, memory))
            ++refused;
        else
            ++(graph.is_complete() ? complete : incomplete);
    }
    EXPECT_GT(refused, 0u);
    EXPECT_GT(incomplete, 0u);
    EXPECT_GT(complete, 0u);
}

} // namespace
} // namespace dbperf::deadlock_prediction
