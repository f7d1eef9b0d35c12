#include "n_plus_one/repeated_lookup.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace dbperf::n_plus_one {
namespace {

// Reports come in steps of a sixteenth, and the rest when the unit of work ends.
constexpr uint64_t report_step = 16;

// Order separates columns with the same values, and little else: keys that were sorted are in order with any list.
constexpr double order_weight = 0.25;

// Most distinct values of the column were looked up.
bool has_coverage(const LookupEdge &edge) {
    return uint64_t{edge.distinct} * 2 >= edge.values;
}

// In the order of the rows. Random keys ascend half of the time.
bool is_ordered(const LookupEdge &edge) {
    return edge.distinct >= 4 && uint64_t{edge.ascents} * 10 >= uint64_t{edge.distinct - 1} * 9;
}

// Roughly in the order of the rows, as of several connections at once: Pearson's correlation of arrival and position,
// both of which are ranks, is Spearman's (1904).
bool is_roughly_ordered(const LookupEdge &edge) {
    const double n = edge.distinct;
    if (n < 5)
        return false;
    const double mean_arrival = (n - 1) / 2;
    const double mean_position = static_cast<double>(edge.position_sum) / n;
    const double covariance = static_cast<double>(edge.product_sum) / n - mean_arrival * mean_position;
    const double arrivals = (n * n - 1) / 12;
    const double positions = static_cast<double>(edge.square_sum) / n - mean_position * mean_position;
    return positions > 0 && covariance > 0 && covariance * covariance >= 0.5 * arrivals * positions;
}

// Most executions since the edge began had a key from it; rows beyond those that are remembered cannot have.
bool is_consistent(const LookupEdge &edge, const Work &work) {
    return !edge.all_values || uint64_t{edge.executions} * 2 >= (work - edge.before).calls;
}

// So far most keys came from it, and it could not have been covered yet.
bool may_become_proof(const LookupEdge &edge, const Work &work, uint32_t threshold) {
    const uint64_t enough = uint64_t{edge.values} / 2 + threshold;
    return edge.executions > 0 && is_consistent(edge, work) && (work - edge.before).calls < enough;
}

bool same_column(const LookupEdge &edge, const LookupOrigin &origin) {
    return edge.producer == origin.producer && edge.relation == origin.relation && edge.column == origin.column &&
           edge.key == origin.key;
}

} // namespace

bool is_proof(const LookupEdge &edge, const Work &work, uint32_t threshold, UnitKind unit) {
    // Two keys may be all there are.
    const bool varies = edge.distinct >= 3 || (edge.distinct == 2 && edge.values == 2);
    if (edge.executions < threshold || !varies || !is_consistent(edge, work))
        return false;
    const bool related = edge.related == Relation::related;
    if (unit == UnitKind::pool)
        return has_coverage(edge) && (related || is_roughly_ordered(edge));
    if (has_coverage(edge) || is_ordered(edge))
        return true;
    // Without a tag or a transaction these may be requests that follow each other: a list, and then some of its rows.
    return related && (unit != UnitKind::burst || uint64_t{edge.distinct} * 4 >= edge.values);
}

void RepeatedLookup::begin(uint64_t of_statement, uint32_t threshold) {
    std::memset(static_cast<void *>(this), 0, sizeof(*this));
    statement = of_statement;
    next_check = first_check = threshold;
}

void RepeatedLookup::begin_again(uint64_t of_statement, uint32_t threshold) {
    if (distinct > 1) {
        begin(of_statement, threshold);
        return;
    }
    // One key at most: it stands in its own slot.
    if (distinct == 1) {
        const uint32_t at = slot_of(last_key);
        keys[at] = 0;
        exact[at] = 0;
        repeats[at] = 0;
    }
    std::memset(static_cast<void *>(edges.data()), 0, static_cast<size_t>(edge_count) * sizeof(LookupEdge));
    std::memset(static_cast<void *>(this), 0, offsetof(RepeatedLookup, keys));
    statement = of_statement;
    next_check = first_check = threshold;
}

uint32_t RepeatedLookup::slot_of(uint64_t key) const {
    uint32_t at = static_cast<uint32_t>(key >> 32) % key_slots;
    while (keys[at] != 0 && keys[at] != key)
        at = (at + 1) % key_slots;
    return at;
}

[[gnu::noinline]] Novelty RepeatedLookup::insert_key(uint64_t key) {
    const uint32_t at = slot_of(key);
    if (keys[at] == key)
        return Novelty::repeated;
    keys[at] = key;
    repeats[at] = 1;
    ++distinct;
    return Novelty::fresh;
}

void RepeatedLookup::add_repeat(uint64_t key, uint32_t all_parameters) {
    const uint32_t at = slot_of(key);
    if (keys[at] != key)
        return;
    // The first execution with this key is taken to have been like the second.
    if (exact[at] != 0 && exact[at] != all_parameters)
        repeats[at] = 0;
    exact[at] = all_parameters;
    if (repeats[at] < UINT16_MAX)
        ++repeats[at];
    max_repeats = std::max<uint32_t>(max_repeats, repeats[at]);
}

void RepeatedLookup::forget_repeats() {
    repeats.fill(0);
    exact.fill(0);
    max_repeats = 0;
}

LookupEdge *RepeatedLookup::edge_of(const LookupOrigin &origin) {
    for (int i = 0; i < edge_count; ++i)
        if (same_column(edges[static_cast<size_t>(i)], origin))
            return &edges[static_cast<size_t>(i)];
    LookupEdge *chosen = nullptr;
    if (edge_count < max_edges) {
        chosen = &edges[static_cast<size_t>(edge_count++)];
    } else {
        // The one with the fewest executions gives way, of several the one that has waited longest.
        const auto is_less = [](const LookupEdge &one, const LookupEdge &other) {
            return one.executions != other.executions ? one.executions < other.executions
                                                      : one.last_call < other.last_call;
        };
        for (LookupEdge &edge : edges)
            if (!edge.reported && (!chosen || is_less(edge, *chosen)))
                chosen = &edge;
        if (!chosen)
            return nullptr;
    }
    *chosen = LookupEdge{};
    chosen->producer = origin.producer;
    chosen->relation = origin.relation;
    chosen->column = origin.column;
    chosen->key = origin.key;
    return chosen;
}

void RepeatedLookup::begin_batch(LookupEdge *edge, const LookupOrigin &origin) {
    if (edge->reported && rest.growth.calls == 0 && is_consistent(*edge, work)) {
        rest = {unreported_of(*edge), 0, distinct_of(*edge), static_cast<int>(edge - edges.data())};
        rest.loop = edge->loop + rest.growth.calls;
        reported = work;
    }
    const Relation related = edge->related;
    *edge = LookupEdge{};
    edge->producer = origin.producer;
    edge->relation = origin.relation;
    edge->column = origin.column;
    edge->key = origin.key;
    edge->root = origin.root;
    edge->related = related;
    edge->all_values = true;
    edge->before = work;
    next_check = rest.growth.calls > 0 ? 0 : std::min(next_check, work.calls + first_check);
}

void RepeatedLookup::trace(const LookupOrigin &origin) {
    LookupEdge *edge = edge_of(origin);
    if (!edge)
        return;
    if (edge->root != origin.root) {
        // An older batch that returned the same values has nothing to say any more.
        if (edge->executions > 0 && static_cast<int32_t>(origin.root - edge->root) < 0)
            return;
        begin_batch(edge, origin);
    }
    // Several parts of the batch may have returned this key.
    if (edge->last_call != work.calls + 1) {
        edge->last_call = work.calls + 1;
        ++edge->executions;
    }
    if (edge->serial != origin.serial) {
        // An earlier part of the batch once more?
        if (edge->serial != 0 && static_cast<int32_t>(origin.serial - edge->serial) < 0)
            return;
        edge->serial = origin.serial;
        edge->base = edge->values;
        edge->values += origin.values;
        edge->all_values = edge->all_values && origin.all_values;
        edge->rows.fill(0);
    }
    if (origin.row >= max_traced_rows)
        return;
    uint64_t &word = edge->rows[origin.row / 64];
    const uint64_t bit = uint64_t{1} << (origin.row % 64);
    if ((word & bit) != 0)
        return;
    word |= bit;
    const uint32_t position = edge->base + origin.row;
    if (edge->distinct > 0 && position > edge->last_position)
        ++edge->ascents;
    edge->last_position = position;
    edge->product_sum += uint64_t{edge->distinct} * position;
    edge->position_sum += position;
    edge->square_sum += uint64_t{position} * position;
    ++edge->distinct;
}

int RepeatedLookup::undecided_edge(uint32_t threshold) const {
    for (int i = 0; i < edge_count; ++i) {
        const LookupEdge &edge = edges[static_cast<size_t>(i)];
        if (edge.related == Relation::unknown && edge.executions >= threshold)
            return i;
    }
    return -1;
}

int RepeatedLookup::strongest(uint32_t threshold, UnitKind unit) const {
    // One and the same key, in however many rows: nothing varies.
    if (distinct < 2)
        return -1;
    int best = -1;
    double best_weight = 0;
    for (int i = 0; i < edge_count; ++i) {
        const LookupEdge &edge = edges[static_cast<size_t>(i)];
        // What was proven stays so: the order of the rows may be lost on the way.
        const bool goes_on = edge.reported && is_consistent(edge, work);
        if (!goes_on && !is_proof(edge, work, threshold, unit))
            continue;
        const double coverage = std::min(1.0, static_cast<double>(edge.distinct) / std::max(1u, edge.values));
        // What was reported stays; then the schema, the coverage, the number; of equals the one in order.
        const double weight = (edge.reported ? 100 : 0) + (edge.related == Relation::related ? 2 : 0) + coverage +
                              static_cast<double>(edge.executions) / static_cast<double>(work.calls) +
                              (is_ordered(edge) ? order_weight : 0);
        if (best < 0 || weight > best_weight) {
            best = i;
            best_weight = weight;
        }
    }
    return best;
}

Work RepeatedLookup::unreported_of(const LookupEdge &edge) const {
    return work - (reported.calls > edge.before.calls ? reported : edge.before);
}

uint32_t RepeatedLookup::distinct_of(const LookupEdge &edge) const {
    // Several rows may have one key.
    return edge.all_values ? std::min(edge.distinct, distinct) : distinct;
}

LookupReport RepeatedLookup::report_rest() {
    LookupReport report;
    report.confidence = Confidence::proven;
    report.edge = rest.edge;
    report.growth = rest.growth;
    report.loop = rest.loop;
    report.distinct = rest.distinct;
    rest = BatchRest{};
    return report;
}

LookupReport RepeatedLookup::report_edge(int number) {
    LookupEdge &edge = edges[static_cast<size_t>(number)];
    LookupReport report;
    report.growth = unreported_of(edge);
    if (report.growth.calls == 0)
        return report;
    edge.loop += report.growth.calls;
    report.confidence = Confidence::proven;
    report.edge = number;
    report.loop = edge.loop;
    report.distinct = distinct_of(edge);
    report.is_first = !edge.reported;
    edge.reported = true;
    reported_proven = true;
    reported = work;
    return report;
}

LookupReport RepeatedLookup::report_plain(Confidence confidence, LookupKind kind) {
    LookupReport report;
    const Work growth = work - reported;
    if (growth.calls == 0)
        return report;
    report.confidence = confidence;
    report.kind = kind;
    report.growth = growth;
    report.loop = work.calls;
    report.distinct = distinct;
    bool &known = kind == LookupKind::redundant ? reported_redundant : reported_plainly;
    report.is_first = !known;
    known = true;
    reported = work;
    return report;
}

LookupReport RepeatedLookup::report(uint32_t threshold, UnitKind unit, bool is_last) {
    uint64_t newest = 0; // where the newest batch began
    for (int i = 0; i < edge_count; ++i)
        newest = std::max(newest, edges[static_cast<size_t>(i)].before.calls);
    const uint64_t loop = work.calls - newest;
    next_check = work.calls +
                 std::max(std::max<uint64_t>(1, loop / report_step), threshold - std::min<uint64_t>(threshold, loop));
    if (rest.growth.calls > 0)
        return report_rest();
    if (unit == UnitKind::server)
        return work.calls >= threshold ? report_plain(Confidence::likely, LookupKind::server_loop) : LookupReport{};
    const int edge = strongest(threshold, unit);
    if (edge >= 0) {
        const LookupEdge &proven = edges[static_cast<size_t>(edge)];
        // What was reported without a parent is not reported again: the loop begins there.
        if (proven.reported || unreported_of(proven).calls >= threshold)
            return report_edge(edge);
        if (!is_last)
            return {};
    }
    // Once a loop was proven, what is not is left alone.
    if (unit == UnitKind::pool || reported_proven)
        return {};
    // A proof is perhaps still growing.
    for (int i = 0; i < edge_count && !is_last; ++i)
        if (work.calls < 2 * uint64_t{threshold} || may_become_proof(edges[static_cast<size_t>(i)], work, threshold))
            return {};
    if (distinct >= threshold && !reported_redundant)
        return report_plain(unit == UnitKind::burst ? Confidence::possible : Confidence::likely,
                            LookupKind::n_plus_one);
    // A poll or a retry on a connection looks the same without a unit of work around it.
    if (reported_redundant || (max_repeats >= threshold && !reported_plainly && unit != UnitKind::burst))
        return report_plain(Confidence::likely, LookupKind::redundant);
    return {};
}

} // namespace dbperf::n_plus_one
