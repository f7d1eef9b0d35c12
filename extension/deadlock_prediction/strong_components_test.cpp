// By hand, and against the definition.
#include "deadlock_prediction/strong_components.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace dbperf::deadlock_prediction {
namespace {

struct Graph {
    uint32_t nodes;
    std::vector<std::pair<uint32_t, uint32_t>> edges;

    std::vector<uint32_t> components() const {
        std::vector<uint32_t> first(nodes + 1), targets, component(nodes), scratch(size_t{nodes} * words_a_node);
        for (uint32_t node = 0; node < nodes; ++node) {
            first[node] = static_cast<uint32_t>(targets.size());
            for (const auto &[from, to] : edges)
                if (from == node)
                    targets.push_back(to);
        }
        first[nodes] = static_cast<uint32_t>(targets.size());
        find_strong_components(first, targets, component, scratch);
        return component;
    }

    // By the definition: everything that can be reached, from everywhere.
    std::vector<std::vector<bool>> reach() const {
        std::vector<std::vector<bool>> reached(nodes, std::vector<bool>(nodes));
        for (uint32_t node = 0; node < nodes; ++node)
            reached[node][node] = true;
        for (const auto &[from, to] : edges)
            reached[from][to] = true;
        for (uint32_t by = 0; by < nodes; ++by)
            for (uint32_t from = 0; from < nodes; ++from)
                for (uint32_t to = 0; to < nodes; ++to)
                    reached[from][to] = reached[from][to] || (reached[from][by] && reached[by][to]);
        return reached;
    }
};

TEST(StrongComponents, NoNodesNoWork) {
    EXPECT_TRUE(Graph({0, {}}).components().empty());
}

TEST(StrongComponents, ACircleIsOneAndItsTailIsNot) {
    const std::vector<uint32_t> component = Graph({4, {{0, 1}, {1, 2}, {2, 0}, {2, 3}}}).components();
    EXPECT_EQ(component[0], component[1]);
    EXPECT_EQ(component[0], component[2]);
    EXPECT_NE(component[0], component[3]);
    for (const uint32_t number : component)
        EXPECT_GE(number, 1u);
}

TEST(StrongComponents, AgreeWithTheDefinitionOnRandomGraphs) {
    std::mt19937 random(20261122);
    size_t joined = 0, apart = 0;
    for (int round = 0; round < 400; ++round) {
        Graph graph{static_cast<uint32_t>(2 + random() % 12), {}};
        for (size_t edge = random() % (3 * graph.nodes); edge > 0; --edge)
            graph.edges.emplace_back(random() % graph.nodes, random() % graph.nodes);
        const std::vector<uint32_t> component = graph.components();
        const std::vector<std::vector<bool>> reached = graph.reach();
        for (uint32_t a = 0; a < graph.nodes; ++a)
            for (uint32_t b = 0; b < a; ++b) {
                const bool together = reached[a][b] && reached[b][a];
                ASSERT_EQ(component[a] == component[b], together) << "round " << round << ": " << a << ", " << b;
                ++(together ? joined : apart);
            }
    }
    EXPECT_GT(joined, 1000u);
    EXPECT_GT(apart, 1000u);
}

// As deep as there are nodes: a recursion would need a stack for each.
TEST(StrongComponents, ALongPathNeedsNoStack) {
    constexpr uint32_t nodes = 500'000;
    std::vector<uint32_t> first(nodes + 1), targets(nodes), component(nodes), scratch(size_t{nodes} * words_a_node);
    for (uint32_t node = 0; node < nodes; ++node) {
        first[node] = node;
        targets[node] = (node + 1) % nodes;
    }
    first[nodes] = nodes;
    find_strong_components(first, targets, component, scratch);
    for (const uint32_t number : component)
        ASSERT_EQ(number, 1u);
}

} // namespace
} // namespace dbperf::deadlock_prediction
