// Which lock is requested while which other one is held: the edges that deadlocks are made of.
//
// Left out are resources that nobody ever waits for, and edges that are on no cycle. Works in memory passed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/arena.h"
#include "deadlock_prediction/lock_order.h"

namespace dbperf::deadlock_prediction {

// One transaction holds `from` while it requests `to`.
struct LockEdge {
    uint64_t shape;
    uint64_t before; // hash of what it holds then
    uint32_t from;
    uint32_t to;
    uint32_t trace;
    uint32_t other; // the same one, or one that is like it
    uint32_t seen;  // such transactions
    uint32_t next;  // edge of another shape
    uint16_t held;
    uint16_t requested;
    uint16_t other_held; // the same steps of the other one may have other numbers
    uint16_t other_requested;
};

class LockGraph {
public:
    // The traces have to outlive it. False: there is not enough memory. Takes all that is left of it.
    bool build(std::span<const LockTrace> traces, core::Arena &arena);

    // Ordered by where they begin, then by where they end.
    std::span<const LockEdge> edges() const { return edges_; }
    // Number of the first edge that begins at this resource; those of the next one follow.
    uint32_t first_edge(uint32_t resource) const { return first_edge_[resource]; }
    // Whether all edges had room.
    bool is_complete() const { return complete_; }

    const LockStep &held_by(const LockEdge &edge) const { return traces_[edge.trace].steps[edge.held]; }
    const LockStep &requested_by(const LockEdge &edge) const { return traces_[edge.trace].steps[edge.requested]; }

    // visit(step, resource) for what the transaction holds at the request.
    template <typename Visit>
    void each_held(uint32_t trace, uint16_t requested, Visit visit) const {
        const LockTrace &of = traces_[trace];
        for (uint16_t i = 0; i < requested; ++i) {
            const uint32_t number = numbers_[first_step_[trace] + i];
            if (number != none && of.steps[i].released > requested)
                visit(i, number);
        }
    }

    static size_t memory_for(size_t steps);

private:
    struct Resource {
        uint64_t hash; // with the kind
        LockKind kind;
        uint16_t held; // modes, as bits
        uint16_t wanted;
        uint32_t instances; // transactions that lock it
        uint32_t last_trace;
    };

    bool number_resources(core::Arena &arena);
    uint32_t number_of(const LockStep &step, uint32_t trace, std::span<uint32_t> slots);
    static bool is_contended(const Resource &resource);
    bool find_components(core::Arena &arena);
    template <typename Visit>
    void each_succession(Visit visit) const;
    bool collect_edges(core::Arena &arena);
    void collect_edges_of(uint32_t trace, std::span<uint32_t> slots);
    void add_edge(const LockEdge &edge, std::span<uint32_t> slots);

    static constexpr uint32_t none = UINT32_MAX; // number of what nobody waits for

    std::span<const LockTrace> traces_;
    std::span<uint32_t> first_step_; // of each trace, in numbers_
    std::span<uint32_t> numbers_;    // of each step's resource
    std::span<Resource> resources_;
    uint32_t resource_count_ = 0;
    std::span<uint32_t> components_;
    std::span<LockEdge> edges_;
    uint32_t edge_count_ = 0;
    std::span<uint32_t> first_edge_; // from each resource
    bool complete_ = true;
};

} // namespace dbperf::deadlock_prediction
