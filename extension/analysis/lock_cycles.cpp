// Resources that nobody ever waits for are left out first; then those that are on no circle, which strongly connected
// components tell in linear time. Only what remains is combined.
#include "analysis/lock_cycles.h"

#include <algorithm>
#include <bit>

#include "analysis/hash.h"

namespace dbperf {
namespace {

constexpr uint32_t none = UINT32_MAX;
constexpr size_t slot_share = 32; // bytes for each slot and half an edge

class Arena {
public:
    explicit Arena(std::span<std::byte> memory) : next_(memory.data()), end_(memory.data() + memory.size()) {}

    // Zeroed, or empty when there is no room.
    template <typename T>
    std::span<T> take(size_t count) {
        const std::span<T> taken = take_as_is<T>(count);
        if (!taken.empty())
            std::memset(static_cast<void *>(taken.data()), 0, count * sizeof(T));
        return taken;
    }
    template <typename T>
    std::span<T> take_as_is(size_t count) {
        const auto address = reinterpret_cast<uintptr_t>(next_);
        const size_t skipped = (alignof(T) - address % alignof(T)) % alignof(T);
        const auto left = static_cast<size_t>(end_ - next_);
        if (left < skipped || (left - skipped) / sizeof(T) < count)
            return {};
        T *first = reinterpret_cast<T *>(next_ + skipped);
        next_ += skipped + count * sizeof(T);
        return {first, count};
    }
    size_t left() const { return static_cast<size_t>(end_ - next_); }

private:
    std::byte *next_;
    std::byte *end_;
};

struct Resource {
    uint64_t hash; // with the kind
    LockKind kind;
    uint16_t held; // modes, as bits
    uint16_t wanted;
    uint32_t instances; // transactions that lock it
    uint32_t last_trace;
};

// One transaction holds `from` while it requests `to`.
struct Edge {
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
};

struct Cycle {
    uint32_t length;
    std::array<uint32_t, most_cycle_members> edges;
};

// A set of hashes; full, it takes none any more.
class HashSet {
public:
    HashSet() = default;
    explicit HashSet(std::span<uint64_t> slots) : slots_(slots) {} // a power of two
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

uint64_t hash_of_resource(const LockStep &step) {
    return mix_bits(step.resource + static_cast<uint64_t>(step.kind));
}

class Search {
public:
    Search(std::span<const LockTrace> traces, std::span<std::byte> memory, std::span<LockCycle> into, uint64_t work)
        : traces_(traces), arena_(memory), into_(into), work_left_(work) {}

    CycleSearch run() {
        if (!number_resources() || !find_components() || !collect_edges())
            return {0, false};
        for (uint32_t length = 2; length <= most_cycle_members && !is_out_of_work(); ++length)
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

    // Every step gets the number of its resource; none when nobody can wait there.
    bool number_resources() {
        size_t steps = 0;
        for (const LockTrace &trace : traces_)
            steps += trace.steps.size();
        first_step_ = arena_.take<uint32_t>(traces_.size() + 1);
        numbers_ = arena_.take<uint32_t>(steps + 1);
        resources_ = arena_.take<Resource>(steps + 1);
        const std::span<uint32_t> slots = arena_.take<uint32_t>(std::bit_ceil(steps * 2 + 2));
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

    uint32_t number_of(const LockStep &step, uint32_t trace, std::span<uint32_t> slots) {
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
    static bool is_contended(const Resource &resource) {
        if (resource.instances < 2)
            return false;
        for (uint8_t a = 0; a < most_lock_modes; ++a)
            for (uint8_t b = 0; (resource.held & 1u << a) != 0 && b <= a; ++b)
                if ((resource.held & 1u << b) != 0 && locks_exclude(resource.kind, a, b))
                    return true;
        return false;
    }

    // From each step to the transaction's next: what is on no circle of these is on none of the real edges.
    bool find_components() {
        const uint32_t nodes = resource_count_;
        const std::span<uint32_t> first = arena_.take<uint32_t>(nodes + 2);
        const std::span<uint32_t> targets = arena_.take<uint32_t>(numbers_.size());
        components_ = arena_.take<uint32_t>(nodes + 1);
        const std::span<uint32_t> order = arena_.take<uint32_t>(nodes + 1);
        const std::span<uint32_t> lowest = arena_.take<uint32_t>(nodes + 1);
        const std::span<uint32_t> stack = arena_.take<uint32_t>(nodes + 1);
        const std::span<uint32_t> path = arena_.take<uint32_t>(nodes + 1);
        const std::span<uint32_t> at = arena_.take<uint32_t>(nodes + 1);
        if (first.empty() || targets.empty() || components_.empty() || order.empty() || lowest.empty() ||
            stack.empty() || path.empty() || at.empty())
            return false;
        each_succession([&](uint32_t from, uint32_t) { ++first[from + 2]; });
        for (uint32_t i = 2; i < nodes + 2; ++i)
            first[i] += first[i - 1];
        each_succession([&](uint32_t from, uint32_t to) { targets[first[from + 1]++] = to; });

        // Tarjan's algorithm without recursion; order 0 is unvisited.
        uint32_t visited = 0, component = 0, stacked = 0;
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
                    } else if (components_[next] == 0) {
                        lowest[node] = std::min(lowest[node], order[next]);
                    }
                    continue;
                }
                if (lowest[node] == order[node]) {
                    ++component;
                    do
                        components_[stack[--stacked]] = component;
                    while (stack[stacked] != node);
                }
                if (depth == 0)
                    break;
                const uint32_t parent = path[--depth];
                lowest[parent] = std::min(lowest[parent], lowest[node]);
            }
        }
        return true;
    }

    template <typename Visit>
    void each_succession(Visit visit) {
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

    // What is held at the request, with its resource's number.
    template <typename Visit>
    void each_held(uint32_t trace, uint16_t requested, Visit visit) const {
        const LockTrace &of = traces_[trace];
        for (uint16_t i = 0; i < requested; ++i) {
            const uint32_t number = numbers_[first_step_[trace] + i];
            if (number != none && of.steps[i].released > requested)
                visit(i, number);
        }
    }

    bool collect_edges() {
        shapes_ = HashSet(arena_.take<uint64_t>(std::bit_ceil(into_.size() * 16 + 16)));
        pairs_ = HashSet(arena_.take<uint64_t>(std::bit_ceil(into_.size() * 4 + 16)));
        first_edge_ = arena_.take<uint32_t>(resource_count_ + 2);
        found_edges_ = arena_.take<Cycle>(into_.size() + 1);
        // The rest of the memory: edges, and slots to find equal ones.
        const std::span<uint32_t> slots = arena_.take<uint32_t>(std::bit_floor(arena_.left() / slot_share));
        edges_ = arena_.take_as_is<Edge>(slots.size() / 2);
        if (first_edge_.empty() || found_edges_.empty() || slots.empty() || edges_.empty())
            return false;
        for (uint32_t t = 0; t < traces_.size(); ++t)
            collect_edges_of(t, slots);
        edges_ = edges_.first(edge_count_);
        std::sort(edges_.begin(), edges_.end(), [](const Edge &a, const Edge &b) {
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
        for (const Edge &edge : edges_)
            ++first_edge_[edge.from + 1];
        for (uint32_t i = 1; i < first_edge_.size(); ++i)
            first_edge_[i] += first_edge_[i - 1];
        return true;
    }

    void collect_edges_of(uint32_t t, std::span<uint32_t> slots) {
        const LockTrace &trace = traces_[t];
        for (uint16_t j = 1; j < trace.steps.size(); ++j) {
            const LockStep &request = trace.steps[j];
            const uint32_t to = numbers_[first_step_[t] + j];
            if (to == none || !request.waits ||
                (modes_waited_for(request.kind, request.mode) & resources_[to].held) == 0)
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
                    add_edge({shape_of(trace, i, j), before, from, to, t, t, trace.seen, 0, i, j}, slots);
            });
        }
    }

    // Equal edges of other transactions only count.
    void add_edge(const Edge &edge, std::span<uint32_t> slots) {
        Hash64 hash;
        hash.add(edge.shape);
        hash.add(edge.before);
        hash.add(static_cast<uint64_t>(edge.from) << 32 | edge.to);
        size_t at = hash.value() & (slots.size() - 1);
        while (slots[at] != 0) {
            Edge &other = edges_[slots[at] - 1];
            if (other.shape == edge.shape && other.before == edge.before && other.from == edge.from &&
                other.to == edge.to) {
                if (other.trace != edge.trace && other.other != edge.trace) {
                    other.seen += edge.seen;
                    other.other = edge.trace;
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

    static uint64_t shape_of(const LockTrace &trace, uint16_t held, uint16_t requested) {
        Hash64 hash;
        for (const uint16_t i : {held, requested}) {
            const LockStep &step = trace.steps[i];
            hash.add(step.statement < trace.statements.size() ? trace.statements[step.statement] : 0);
            hash.add(static_cast<uint64_t>(step.object) << 16 | static_cast<uint64_t>(step.kind) << 8 | step.mode);
        }
        return hash.value();
    }

    const LockStep &held_by(const Edge &edge) const { return traces_[edge.trace].steps[edge.held]; }
    const LockStep &requested_by(const Edge &edge) const { return traces_[edge.trace].steps[edge.requested]; }

    // The first one's request waits for what the second one holds.
    bool waits_for(const Edge &first, const Edge &second) const {
        return first.to == second.from &&
               lock_conflicts(held_by(second).kind, held_by(second).mode, requested_by(first).mode);
    }

    // Two transactions of their own, which can have come as far at the same time.
    bool can_coexist(const Edge &a, const Edge &b) {
        if (a.trace == b.trace && a.seen < 2 && b.seen < 2)
            return false;
        bool compatible = true;
        uint64_t work = 1;
        each_held(a.trace, a.requested, [&](uint16_t i, uint32_t number) {
            if (!compatible)
                return;
            const LockStep &mine = traces_[a.trace].steps[i];
            each_held(b.trace, b.requested, [&](uint16_t k, uint32_t other) {
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
        const Edge &last = edges_[cycle->edges[depth - 1]];
        const bool closes = depth + 1 == cycle->length;
        const uint32_t home = edges_[cycle->edges[0]].from;
        uint32_t low = first_edge_[last.to], high = first_edge_[last.to + 1];
        if (closes) {
            const auto begin = edges_.begin();
            const auto range = std::equal_range(begin + low, begin + high, Edge{0, 0, last.to, home, 0, 0, 0, 0, 0, 0},
                                                [](const Edge &a, const Edge &b) { return a.to < b.to; });
            low = static_cast<uint32_t>(range.first - begin);
            high = static_cast<uint32_t>(range.second - begin);
        }
        for (uint32_t i = std::max(low, cycle->edges[0]), next; i < high && spend(1) && found_ < into_.size();
             i = next) {
            const Edge &edge = edges_[i];
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

    // The same from whichever member it is told.
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

    void report(const Cycle &cycle) {
        const uint64_t shape = shape_of(cycle);
        if (!shapes_.add(shape))
            return;
        LockCycle &to = into_[found_];
        to = {};
        to.shape = shape;
        to.length = cycle.length;
        for (uint32_t k = 0; k < cycle.length; ++k) {
            const Edge &edge = edges_[cycle.edges[k]];
            const bool again = k != 0 && cycle.edges[k] == cycle.edges[k - 1];
            to.members[k] = {again ? edge.other : edge.trace, edge.held, edge.requested};
        }
        found_edges_[found_++] = cycle;
        if (cycle.length == 2) {
            found_pairs_ = found_;
            pairs_.add(hash_of_pair(edges_[cycle.edges[0]].shape, edges_[cycle.edges[1]].shape));
        }
    }

    std::span<const LockTrace> traces_;
    Arena arena_;
    std::span<LockCycle> into_;
    uint64_t work_left_;
    bool complete_ = true;
    std::span<uint32_t> first_step_; // of each trace, in numbers_
    std::span<uint32_t> numbers_;
    std::span<Resource> resources_;
    uint32_t resource_count_ = 0;
    std::span<uint32_t> components_;
    std::span<Edge> edges_;
    uint32_t edge_count_ = 0;
    std::span<uint32_t> first_edge_; // from each resource
    HashSet shapes_;
    HashSet pairs_; // of shapes that are a cycle of two
    std::span<Cycle> found_edges_;
    uint32_t found_ = 0;
    uint32_t found_pairs_ = 0;
};

} // namespace

CycleSearch find_lock_cycles(std::span<const LockTrace> traces, std::span<std::byte> memory, std::span<LockCycle> into,
                             uint64_t most_work) {
    return Search(traces, memory, into, most_work).run();
}

size_t memory_for_cycles(size_t traces, size_t steps) {
    return 1048576 + traces * 16 + steps * (sizeof(Resource) + 8 * slot_share + 64);
}

} // namespace dbperf
