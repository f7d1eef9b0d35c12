// Only edges that can be on a cycle are combined, each cycle from its lowest edge on.
#include "deadlock_prediction/lock_cycles.h"

#include <algorithm>
#include <bit>

#include "core/arena.h"
#include "core/hash.h"
#include "deadlock_prediction/lock_graph.h"

namespace dbperf::deadlock_prediction {
using namespace core;

namespace {

struct Cycle {
    uint32_t length;
    std::array<uint32_t, max_cycle_members> edges;
};

// A set of hashes; full, it takes none any more.
class HashSet {
public:
    HashSet() = default;
    explicit HashSet(std::span<uint64_t> slots) : slots_(slots) {} // a power of two
    bool has_room() const { return !slots_.empty(); }
    bool has(uint64_t hash) const {
        if (slots_.empty())
            return false;
        for (size_t at = hash & (slots_.size() - 1); slots_[at] != 0; at = (at + 1) & (slots_.size() - 1))
            if (slots_[at] == hash)
                return true;
        return false;
    }
    bool add(uint64_t hash) {
        if (has(hash) || used_ * 2 >= slots_.size())
            return false;
        size_t at = hash & (slots_.size() - 1);
        while (slots_[at] != 0)
            at = (at + 1) & (slots_.size() - 1);
        slots_[at] = hash;
        ++used_;
        return true;
    }

private:
    std::span<uint64_t> slots_;
    size_t used_ = 0;
};

class Search {
public:
    Search(std::span<const LockTrace> traces, std::span<std::byte> memory, std::span<LockCycle> into, uint64_t work,
           std::span<const uint8_t> sides)
        : traces_(traces), sides_(sides), arena_(memory), into_(into), work_left_(work) {}

    CycleSearch run() {
        shapes_ = HashSet(arena_.take<uint64_t>(std::bit_ceil(into_.size() * 16 + 16)));
        pairs_ = HashSet(arena_.take<uint64_t>(std::bit_ceil(into_.size() * 4 + 16)));
        found_edges_ = arena_.take<Cycle>(into_.size() + 1);
        if (!shapes_.has_room() || !pairs_.has_room() || found_edges_.empty() || !graph_.build(traces_, arena_))
            return {0, false};
        edges_ = graph_.edges();
        complete_ = graph_.is_complete() && !is_out_of_work();
        for (uint32_t length = 2; length <= max_cycle_members && !is_out_of_work(); ++length)
            enumerate(length);
        return {found_, complete_};
    }

private:
    bool is_out_of_work() const { return work_left_ == 0; }
    bool spend(uint64_t work) {
        if (work_left_ > work) {
            work_left_ -= work;
            return true;
        }
        work_left_ = 0;
        complete_ = false;
        return false;
    }

    // The first one's request waits for what the second one holds.
    bool waits_for(const LockEdge &first, const LockEdge &second) const {
        return first.to == second.from && lock_conflicts(graph_.held_by(second).kind, graph_.held_by(second).mode,
                                                         graph_.requested_by(first).mode);
    }

    // Two transactions of their own, which can have come as far at the same time.
    bool can_coexist(const LockEdge &a, const LockEdge &b) {
        if (a.trace == b.trace && a.seen < 2 && b.seen < 2)
            return false;
        bool compatible = true;
        uint64_t work = 1;
        graph_.each_held(a.trace, a.requested, [&](uint16_t i, uint32_t number) {
            if (!compatible)
                return;
            const LockStep &mine = traces_[a.trace].steps[i];
            graph_.each_held(b.trace, b.requested, [&](uint16_t k, uint32_t other) {
                ++work;
                if (number == other && locks_exclude(mine.kind, mine.mode, traces_[b.trace].steps[k].mode))
                    compatible = false;
            });
        });
        return spend(work) && compatible;
    }

    void enumerate(uint32_t length) {
        Cycle cycle{length, {}};
        for (uint32_t i = 0; i < edges_.size() && !is_out_of_work() && found_ < into_.size();) {
            cycle.edges[0] = i;
            const bool is_old = length > 2 && holds_shorter(cycle, 1);
            if (!is_old)
                extend(&cycle, 1);
            i = is_old ? edges_[i].next : i + 1;
        }
        if (found_ == into_.size())
            complete_ = false;
    }

    // Every cycle is built from its lowest edge on.
    void extend(Cycle *cycle, uint32_t depth) {
        const LockEdge &last = edges_[cycle->edges[depth - 1]];
        const bool closes = depth + 1 == cycle->length;
        const uint32_t home = edges_[cycle->edges[0]].from;
        uint32_t low = graph_.first_edge(last.to), high = graph_.first_edge(last.to + 1);
        if (closes) {
            const auto begin = edges_.begin();
            const auto range =
                std::equal_range(begin + low, begin + high, LockEdge{0, 0, last.to, home, 0, 0, 0, 0, 0, 0, 0, 0},
                                 [](const LockEdge &a, const LockEdge &b) { return a.to < b.to; });
            low = static_cast<uint32_t>(range.first - begin);
            high = static_cast<uint32_t>(range.second - begin);
        }
        for (uint32_t i = std::max(low, cycle->edges[0]), next; i < high && spend(1) && found_ < into_.size();
             i = next) {
            const LockEdge &edge = edges_[i];
            cycle->edges[depth] = i;
            // What depends on the statements alone is so for all edges of this shape.
            next = std::min(edge.next, high);
            if (!waits_for(last, edge) || (closes && !waits_for(edge, edges_[cycle->edges[0]])) ||
                (closes && shapes_.has(shape_of(*cycle))) || (cycle->length > 2 && holds_shorter(*cycle, depth + 1)))
                continue;
            next = i + 1;
            if (!joins(*cycle, depth))
                continue;
            if (closes)
                report(*cycle);
            else
                extend(cycle, depth + 1);
        }
    }

    bool joins(const Cycle &cycle, uint32_t depth) {
        const uint32_t number = cycle.edges[depth];
        uint32_t same = 1;
        for (uint32_t k = 0; k < depth; ++k) {
            same += cycle.edges[k] == number;
            if (!can_coexist(edges_[cycle.edges[k]], edges_[number]))
                return false;
        }
        return same <= edges_[number].seen;
    }

    // The same from whichever member it is described.
    uint64_t shape_of(const Cycle &cycle) const {
        uint64_t best = 0;
        for (uint32_t begin = 0; begin < cycle.length; ++begin) {
            Hash64 hash;
            for (uint32_t k = 0; k < cycle.length; ++k)
                hash.add(edges_[cycle.edges[(begin + k) % cycle.length]].shape);
            best = std::max(best, hash.value());
        }
        return best | 1;
    }

    static uint64_t hash_of_pair(uint64_t a, uint64_t b) {
        return mix_bits(std::min(a, b) + mix_bits(std::max(a, b))) | 1;
    }

    // Whether all shapes of a cycle that was found are among the first ones of this, which was no news without the
    // last.
    bool holds_shorter(const Cycle &cycle, uint32_t depth) {
        const uint64_t last = edges_[cycle.edges[depth - 1]].shape;
        for (uint32_t k = 0; k < depth; ++k)
            if (pairs_.has(hash_of_pair(edges_[cycle.edges[k]].shape, last)))
                return true;
        const auto has = [&](uint32_t edge) {
            for (uint32_t k = 0; k < depth; ++k)
                if (edges_[cycle.edges[k]].shape == edges_[edge].shape)
                    return true;
            return false;
        };
        for (uint32_t f = found_pairs_; f < found_; ++f)
            if (std::all_of(found_edges_[f].edges.begin(), found_edges_[f].edges.begin() + found_edges_[f].length, has))
                return true;
        return !spend((found_ - found_pairs_) / 8 + 1);
    }

    // Each member is a transaction of its own, as far as those that an edge remembers show. False: there is none left
    // for one. Edges that have one transaction to choose from come first.
    bool name_members(const Cycle &cycle, LockCycle *to) const {
        std::array<bool, max_cycle_members> named{};
        const auto is_taken = [&](uint32_t trace) {
            for (uint32_t k = 0; k < cycle.length; ++k)
                if (named[k] && to->members[k].trace == trace)
                    return true;
            return false;
        };
        for (const bool may_choose : {false, true})
            for (uint32_t k = 0; k < cycle.length; ++k) {
                const LockEdge &edge = edges_[cycle.edges[k]];
                if ((edge.other != edge.trace) != may_choose)
                    continue;
                to->members[k] = {edge.trace, edge.held, edge.requested};
                if (may_choose && is_taken(edge.trace))
                    to->members[k] = {edge.other, edge.other_held, edge.other_requested};
                const LockTrace &trace = traces_[to->members[k].trace];
                const uint32_t remembered = may_choose ? traces_[edge.trace].seen + traces_[edge.other].seen : 1;
                if (is_taken(to->members[k].trace) && trace.seen < 2 && edge.seen <= remembered)
                    return false;
                named[k] = true;
            }
        return true;
    }

    bool has_both_sides(const Cycle &cycle) const {
        for (uint32_t k = 1; k < cycle.length && !sides_.empty(); ++k)
            if (sides_[edges_[cycle.edges[k]].trace] != sides_[edges_[cycle.edges[0]].trace])
                return true;
        return sides_.empty();
    }

    void report(const Cycle &cycle) {
        LockCycle to = {};
        if (!has_both_sides(cycle) || !name_members(cycle, &to) || !shapes_.add(shape_of(cycle)))
            return;
        to.shape = shape_of(cycle);
        to.length = cycle.length;
        into_[found_] = to;
        found_edges_[found_++] = cycle;
        if (cycle.length == 2) {
            found_pairs_ = found_;
            pairs_.add(hash_of_pair(edges_[cycle.edges[0]].shape, edges_[cycle.edges[1]].shape));
        }
    }

    std::span<const LockTrace> traces_;
    std::span<const uint8_t> sides_;
    Arena arena_;
    std::span<LockCycle> into_;
    uint64_t work_left_;
    bool complete_ = true;
    LockGraph graph_;
    std::span<const LockEdge> edges_;
    HashSet shapes_;
    HashSet pairs_; // of shapes that are a cycle of two
    std::span<Cycle> found_edges_;
    uint32_t found_ = 0;
    uint32_t found_pairs_ = 0;
};

} // namespace

CycleSearch find_lock_cycles(std::span<const LockTrace> traces, std::span<std::byte> memory, std::span<LockCycle> into,
                             uint64_t max_work, std::span<const uint8_t> sides) {
    return Search(traces, memory, into, max_work, sides).run();
}

size_t memory_for_cycles(size_t traces, size_t steps) {
    return 1048576 + traces * 16 + LockGraph::memory_for(steps);
}

} // namespace dbperf::deadlock_prediction
