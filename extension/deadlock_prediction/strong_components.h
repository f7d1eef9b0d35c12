// Which nodes of a directed graph are on cycles with each other.
#pragma once

#include <cstdint>
#include <span>

namespace dbperf::deadlock_prediction {

constexpr uint32_t words_a_node = 5; // of scratch memory

// Strongly connected components by Tarjan's algorithm (1972), linear in nodes and edges, without recursion. The edges
// of node n lead to targets[first[n] .. first[n + 1]), so `first` has one element more than there are nodes.
// component[n] must be 0 and gets a number from 1 on, equal for nodes that reach each other; scratch: words_a_node for
// each node, zeroed.
void find_strong_components(std::span<const uint32_t> first, std::span<const uint32_t> targets,
                            std::span<uint32_t> component, std::span<uint32_t> scratch);

} // namespace dbperf::deadlock_prediction
