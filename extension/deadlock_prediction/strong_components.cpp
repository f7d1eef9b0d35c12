#include "deadlock_prediction/strong_components.h"

#include <algorithm>

namespace dbperf::deadlock_prediction {

void find_strong_components(std::span<const uint32_t> first, std::span<const uint32_t> targets,
                            std::span<uint32_t> component, std::span<uint32_t> scratch) {
    const auto nodes = static_cast<uint32_t>(component.size());
    const std::span<uint32_t> order = scratch.subspan(0, nodes); // of the first visit, from 1 on
    const std::span<uint32_t> lowest = scratch.subspan(nodes, nodes);
    const std::span<uint32_t> stack = scratch.subspan(size_t{2} * nodes, nodes);
    const std::span<uint32_t> path = scratch.subspan(size_t{3} * nodes, nodes);
    const std::span<uint32_t> at = scratch.subspan(size_t{4} * nodes, nodes); // next edge of each node on the path
    uint32_t visited = 0, found = 0, stacked = 0;
    for (uint32_t root = 0; root < nodes; ++root) {
        if (order[root] != 0)
            continue;
        uint32_t depth = 0;
        path[0] = root;
        at[root] = first[root];
        order[root] = lowest[root] = ++visited;
        stack[stacked++] = root;
        for (;;) {
            const uint32_t node = path[depth];
            if (at[node] < first[node + 1]) {
                const uint32_t next = targets[at[node]++];
                if (order[next] == 0) {
                    path[++depth] = next;
                    at[next] = first[next];
                    order[next] = lowest[next] = ++visited;
                    stack[stacked++] = next;
                } else if (component[next] == 0) {
                    lowest[node] = std::min(lowest[node], order[next]);
                }
                continue;
            }
            if (lowest[node] == order[node]) {
                ++found;
                do
                    component[stack[--stacked]] = found;
                while (stack[stacked] != node);
            }
            if (depth == 0)
                break;
            const uint32_t parent = path[--depth];
            lowest[parent] = std::min(lowest[parent], lowest[node]);
        }
    }
}

} // namespace dbperf::deadlock_prediction
