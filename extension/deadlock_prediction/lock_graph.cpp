// Equal edges of different transactions are one that counts them.
#include "deadlock_prediction/lock_graph.h"

#include <algorithm>
#include <bit>

#include "core/hash.h"
#include "deadlock_prediction/strong_components.h"

namespace dbperf::deadlock_prediction {
using namespace core;

namespace {

constexpr size_t slot_share = 32; // bytes for each slot and half an edge

uint64_t hash_of_resource(const LockStep &step) {
    return mix_bits(step.resource + static_cast<uint64_t>(step.kind));
}

uint64_t shape_of(const LockTrace &trace, uint16_t held, uint16_t requested) {
    Hash64 hash;
    for (const uint16_t i : {held, requested}) {
        const LockStep &step = trace.steps[i];
        hash.add(step.statement < trace.statements.size() ? trace.statements[step.statement] : 0);
        hash.add(static_cast<uint64_t>(step.object) << 16 | static_cast<uint64_t>(step.kind) << 8 | step.mode);
    }
    return hash.value();
}

} // namespace

bool LockGraph::build(std::span<const LockTrace> traces, Arena &arena) {
    traces_ = traces;
    return number_resources(arena) && find_components(arena) && collect_edges(arena);
}

size_t LockGraph::memory_for(size_t steps) {
    return steps * (sizeof(Resource) + 8 * slot_share + 64);
}

// Every step gets the number of its resource; none when nobody can wait there.
bool LockGraph::number_resources(Arena &arena) {
    size_t steps = 0;
    for (const LockTrace &trace : traces_)
        steps += trace.steps.size();
    first_step_ = arena.take<uint32_t>(traces_.size() + 1);
    numbers_ = arena.take<uint32_t>(steps + 1);
    resources_ = arena.take<Resource>(steps + 1);
    const std::span<uint32_t> slots = arena.take<uint32_t>(std::bit_ceil(steps * 2 + 2));
    if (first_step_.empty() || numbers_.empty() || resources_.empty() || slots.empty())
        return false;
    uint32_t step_number = 0;
    for (uint32_t t = 0; t < traces_.size(); ++t) {
        first_step_[t] = step_number;
        for (const LockStep &step : traces_[t].steps)
            numbers_[step_number++] = number_of(step, t, slots);
    }
    for (uint32_t i = 0; i < step_number; ++i)
        if (!is_contended(resources_[numbers_[i]]))
            numbers_[i] = none;
    return true;
}

uint32_t LockGraph::number_of(const LockStep &step, uint32_t trace, std::span<uint32_t> slots) {
    const uint64_t hash = hash_of_resource(step);
    size_t at = hash & (slots.size() - 1);
    while (slots[at] != 0 && resources_[slots[at] - 1].hash != hash)
        at = (at + 1) & (slots.size() - 1);
    if (slots[at] == 0) {
        slots[at] = ++resource_count_;
        resources_[resource_count_ - 1] = {hash, step.kind, 0, 0, 0, none};
    }
    Resource &resource = resources_[slots[at] - 1];
    resource.held = static_cast<uint16_t>(resource.held | 1u << step.mode);
    if (step.waits)
        resource.wanted = static_cast<uint16_t>(resource.wanted | 1u << step.mode);
    if (resource.last_trace != trace) {
        resource.last_trace = trace;
        resource.instances += traces_[trace].seen;
    }
    return slots[at] - 1;
}

// Whether two transactions cannot both have it; else nobody waits there, and it is no gate.
bool LockGraph::is_contended(const Resource &resource) {
    if (resource.instances < 2)
        return false;
    for (uint8_t a = 0; a < max_lock_modes; ++a)
        for (uint8_t b = 0; (resource.held & 1u << a) != 0 && b <= a; ++b)
            if ((resource.held & 1u << b) != 0 && locks_exclude(resource.kind, a, b))
                return true;
    return false;
}

// From each step to the transaction's next: what is on no cycle of these is on none of the real edges.
bool LockGraph::find_components(Arena &arena) {
    const uint32_t nodes = resource_count_;
    const std::span<uint32_t> first = arena.take<uint32_t>(nodes + 2);
    const std::span<uint32_t> targets = arena.take<uint32_t>(numbers_.size());
    components_ = arena.take<uint32_t>(nodes + 1);
    const std::span<uint32_t> scratch = arena.take<uint32_t>(size_t{nodes} * words_a_node + 1);
    if (first.empty() || targets.empty() || components_.empty() || scratch.empty())
        return false;
    each_succession([&](uint32_t from, uint32_t) { ++first[from + 2]; });
    for (uint32_t i = 2; i < nodes + 2; ++i)
        first[i] += first[i - 1];
    each_succession([&](uint32_t from, uint32_t to) { targets[first[from + 1]++] = to; });
    find_strong_components(first.first(nodes + 1), targets, components_.first(nodes), scratch);
    return true;
}

template <typename Visit>
void LockGraph::each_succession(Visit visit) const {
    for (uint32_t t = 0; t < traces_.size(); ++t) {
        uint32_t previous = none;
        for (uint32_t i = 0; i < traces_[t].steps.size(); ++i) {
            const uint32_t number = numbers_[first_step_[t] + i];
            if (number == none)
                continue;
            if (previous != none)
                visit(previous, number);
            previous = number;
        }
    }
}

bool LockGraph::collect_edges(Arena &arena) {
    first_edge_ = arena.take<uint32_t>(resource_count_ + 2);
    // The rest of the memory: edges, and slots to find equal ones.
    const std::span<uint32_t> slots = arena.take<uint32_t>(std::bit_floor(arena.left() / slot_share));
    edges_ = arena.take_as_is<LockEdge>(slots.size() / 2);
    if (first_edge_.empty() || slots.empty() || edges_.empty())
        return false;
    for (uint32_t t = 0; t < traces_.size(); ++t)
        collect_edges_of(t, slots);
    edges_ = edges_.first(edge_count_);
    std::sort(edges_.begin(), edges_.end(), [](const LockEdge &a, const LockEdge &b) {
        if (a.from != b.from)
            return a.from < b.from;
        if (a.to != b.to)
            return a.to < b.to;
        if (a.shape != b.shape)
            return a.shape < b.shape;
        return a.trace != b.trace ? a.trace < b.trace : a.requested < b.requested;
    });
    for (uint32_t i = edge_count_; i-- > 0;) {
        const bool same = i + 1 < edge_count_ && edges_[i + 1].from == edges_[i].from &&
                          edges_[i + 1].to == edges_[i].to && edges_[i + 1].shape == edges_[i].shape;
        edges_[i].next = same ? edges_[i + 1].next : i + 1;
    }
    for (const LockEdge &edge : edges_)
        ++first_edge_[edge.from + 1];
    for (uint32_t i = 1; i < first_edge_.size(); ++i)
        first_edge_[i] += first_edge_[i - 1];
    return true;
}

void LockGraph::collect_edges_of(uint32_t t, std::span<uint32_t> slots) {
    const LockTrace &trace = traces_[t];
    for (uint16_t j = 1; j < trace.steps.size(); ++j) {
        const LockStep &request = trace.steps[j];
        const uint32_t to = numbers_[first_step_[t] + j];
        if (to == none || !request.waits || (modes_waited_for(request.kind, request.mode) & resources_[to].held) == 0)
            continue;
        uint64_t before = 0;
        bool any = false;
        each_held(t, j, [&](uint16_t i, uint32_t from) {
            before += mix_bits(resources_[from].hash ^ trace.steps[i].mode);
            any |= components_[from] == components_[to];
        });
        if (!any)
            continue;
        each_held(t, j, [&](uint16_t i, uint32_t from) {
            if (components_[from] == components_[to] &&
                (modes_kept_waiting(trace.steps[i].kind, trace.steps[i].mode) & resources_[from].wanted) != 0)
                add_edge({shape_of(trace, i, j), before, from, to, t, t, trace.seen, 0, i, j, i, j}, slots);
        });
    }
}

// Equal edges of other transactions only count.
void LockGraph::add_edge(const LockEdge &edge, std::span<uint32_t> slots) {
    Hash64 hash;
    hash.add(edge.shape);
    hash.add(edge.before);
    hash.add(static_cast<uint64_t>(edge.from) << 32 | edge.to);
    size_t at = hash.value() & (slots.size() - 1);
    while (slots[at] != 0) {
        LockEdge &other = edges_[slots[at] - 1];
        if (other.shape == edge.shape && other.before == edge.before && other.from == edge.from &&
            other.to == edge.to) {
            if (other.trace != edge.trace && other.other != edge.trace) {
                other.seen += edge.seen;
                other.other = edge.trace;
                other.other_held = edge.held;
                other.other_requested = edge.requested;
            }
            return;
        }
        at = (at + 1) & (slots.size() - 1);
    }
    if (edge_count_ == edges_.size()) {
        complete_ = false;
        return;
    }
    edges_[edge_count_] = edge;
    slots[at] = ++edge_count_;
}

} // namespace dbperf::deadlock_prediction
