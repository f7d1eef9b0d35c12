#include "n_plus_one/repeated_lookup.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace dbperf::n_plus_one {
namespace {

// What a loop amounts to is looked at again when it has grown by so much of itself.
constexpr uint64_t check_step = 32;

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

// Executions with a key from it that were counted: that of the next one may be traced already.
uint64_t counted(const LookupEdge &edge, const Work &work) {
    return edge.executions - static_cast<uint64_t>(edge.last_call > work.calls);
}

// Most were by several statements, and this one looked up nothing but its part.
bool has_shared_coverage(const LookupEdge &edge, const Work &work) {
    return uint64_t{edge.distinct + edge.elsewhere} * 2 >= edge.values &&
           counted(edge, work) == (work - edge.before).calls;
}

// Most executions since the edge began had a key from it; rows beyond those that are remembered cannot have.
bool is_consistent(const LookupEdge &edge, const Work &work) {
    return !edge.all_values || counted(edge, work) * 2 >= (work - edge.before).calls;
}

} // namespace

uint32_t rows_elsewhere(const LookupEdge &edge, const RepeatedLookup::Rows &met) {
    int count = 0;
    for (size_t i = 0; i < met.size(); ++i)
        count += std::popcount(met[i] & ~edge.rows[i]);
    return static_cast<uint32_t>(count);
}

Evidence evidence_of(const LookupEdge &edge, const Work &work, uint32_t threshold, UnitKind unit) {
    // Two keys may be all there are.
    const bool varies = edge.distinct >= 3 || (edge.distinct == 2 && edge.values == 2);
    if (counted(edge, work) < threshold || !varies || !is_consistent(edge, work))
        return Evidence::none;
    const bool in_order = is_ordered(edge) || is_roughly_ordered(edge);
    if (edge.related == Relation::related) {
        // Without a tag or a transaction these may be requests that follow each other: a list, and then some of its
        // rows. Over several connections they are that more often than not; and where those do other things as well,
        // only who loops over rows comes to them in their order.
        const bool enough = unit == UnitKind::burst  ? uint64_t{edge.distinct} * 4 >= edge.values
                            : unit == UnitKind::pool ? has_coverage(edge) && (!edge.crowded || in_order)
                                                     : true;
        return enough ? Evidence::schema : Evidence::none;
    }
    if (!has_coverage(edge))
        return in_order && unit != UnitKind::pool && has_shared_coverage(edge, work) ? Evidence::order : Evidence::none;
    if (in_order)
        return Evidence::order;
    // All of a column's values, and no other keys.
    const bool all = edge.distinct >= threshold && uint64_t{edge.distinct} * 10 >= uint64_t{edge.values} * 9 &&
                     counted(edge, work) == (work - edge.before).calls;
    return all && unit != UnitKind::pool ? Evidence::coverage : Evidence::none;
}

void RepeatedLookup::begin(uint64_t of_statement, uint32_t threshold, UnitKind of_unit) {
    std::memset(static_cast<void *>(this), 0, sizeof(*this));
    statement = of_statement;
    unit = of_unit;
    next_check = first_check = threshold;
}

void RepeatedLookup::begin_again(uint64_t of_statement, uint32_t threshold, UnitKind of_unit) {
    if (distinct > 1) {
        begin(of_statement, threshold, of_unit);
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
    unit = of_unit;
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
        if (is_same_column(edges[static_cast<size_t>(i)], origin))
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
        const LookupEdge *owed = rest.growth.calls > 0 ? &edges[static_cast<size_t>(rest.edge)] : nullptr;
        for (LookupEdge &edge : edges)
            if (!edge.reported && &edge != owed && (!chosen || is_less(edge, *chosen)))
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
    // The loop over the batch before is over.
    const auto number = static_cast<int>(edge - edges.data());
    if (rest.growth.calls == 0 && strongest(work) == number && is_worth_reporting(*edge, work)) {
        rest = report_edge(number, work);
        accept(rest);
    }
    const Relation related = edge->related;
    const Evidence evidence = evidence_of(*edge, work, first_check, unit);
    *edge = LookupEdge{};
    edge->producer = origin.producer;
    edge->relation = origin.relation;
    edge->column = origin.column;
    edge->key = origin.key;
    edge->root = origin.root;
    edge->related = related;
    edge->over = evidence;
    edge->all_values = true;
    edge->before = work;
    next_check = rest.growth.calls > 0 ? 0 : std::min<uint64_t>(next_check, work.calls + first_check);
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
    edge->crowded = edge->crowded || origin.is_crowded;
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

int RepeatedLookup::undecided_edge() const {
    for (int i = 0; i < edge_count; ++i) {
        const LookupEdge &edge = edges[static_cast<size_t>(i)];
        if (edge.related == Relation::unknown && edge.executions >= first_check)
            return i;
    }
    return -1;
}

bool RepeatedLookup::wants_others(const LookupEdge &edge) const {
    return edge.related == Relation::none && edge.executions >= first_check && !has_coverage(edge) && is_ordered(edge);
}

void RepeatedLookup::add_rows(const LookupEdge &of, Rows *met) const {
    for (int i = 0; i < edge_count; ++i) {
        const LookupEdge &edge = edges[static_cast<size_t>(i)];
        if (edge.producer == of.producer && edge.column == of.column && edge.serial == of.serial)
            for (size_t j = 0; j < met->size(); ++j)
                (*met)[j] |= edge.rows[j];
    }
}

double RepeatedLookup::weight_of(const LookupEdge &edge, const Work &until) const {
    // What was reported stays; then the schema, the coverage, the number; of equals the one in order.
    return (edge.reported ? 100 : 0) + (edge.related == Relation::related ? 2 : 0) +
           std::min(1.0, static_cast<double>(edge.distinct) / std::max(1u, edge.values)) +
           static_cast<double>(edge.executions) / static_cast<double>(until.calls) +
           (is_ordered(edge) ? order_weight : 0);
}

int RepeatedLookup::strongest(const Work &until) const {
    // One and the same key, in however many rows: nothing varies.
    if (distinct < 2 || unit == UnitKind::server)
        return -1;
    int best = -1;
    for (int i = 0; i < edge_count; ++i) {
        const LookupEdge &edge = edges[static_cast<size_t>(i)];
        // What was met since says nothing about the time before.
        if (until.calls < work.calls && edge.last_call > until.calls)
            continue;
        // What was proven stays so: the order of the rows may be lost on the way.
        const bool goes_on = edge.reported && is_consistent(edge, until);
        if (!goes_on && evidence_of(edge, until, first_check, unit) == Evidence::none)
            continue;
        // Several connections look up what several lists returned, each a part: a handful of keys is chance.
        if (unit == UnitKind::pool && edge.related != Relation::related && !edge.reported &&
            uint64_t{edge.executions} * 2 < (until - reported).calls)
            continue;
        if (best < 0 || weight_of(edge, until) > weight_of(edges[static_cast<size_t>(best)], until))
            best = i;
    }
    return best;
}

bool RepeatedLookup::is_alone(int number, const Work &until) const {
    const LookupEdge &edge = edges[static_cast<size_t>(number)];
    if (edge.proven || edge.related == Relation::related)
        return true;
    const Evidence evidence = evidence_of(edge, until, first_check, unit);
    for (int i = 0; i < edge_count; ++i) {
        const LookupEdge &other = edges[static_cast<size_t>(i)];
        const bool same = other.relation == edge.relation && other.column == edge.column && edge.relation != 0;
        if (i == number || same || other.before.calls > until.calls)
            continue;
        // Of one whose next batch has just begun, what counts is the batch before.
        const bool just_over = other.before.calls == until.calls;
        if ((just_over ? other.over : evidence_of(other, until, first_check, unit)) >= evidence)
            return false;
    }
    return true;
}

bool RepeatedLookup::is_worth_reporting(const LookupEdge &edge, const Work &until) const {
    // What was reported without a parent is not reported again: the loop begins there.
    return edge.reported || unreported_of(edge, until).calls >= first_check;
}

Work RepeatedLookup::begin_of(const LookupEdge &edge) const {
    // Few executions before the first that was traced belong to its loop: the root of a tree, a value forgotten.
    const bool is_other = edge.before.calls > reported.calls && (edge.before - reported).calls >= first_check;
    return is_other ? edge.before : reported;
}

Work RepeatedLookup::unreported_of(const LookupEdge &edge, const Work &until) const {
    return until - begin_of(edge);
}

uint32_t RepeatedLookup::distinct_of(const LookupEdge &edge, const Work &until) const {
    // Several rows may have one key, and other loops had other keys. Where a value came from may be forgotten; that it
    // was a key is not.
    const bool others = edge.all_values && begin_of(edge).calls > 0;
    const uint64_t known = others ? std::min<uint64_t>(edge.distinct, distinct) : distinct;
    return static_cast<uint32_t>(std::min(known, edge.loop + unreported_of(edge, until).calls));
}

LookupReport RepeatedLookup::report_edge(int number, const Work &until) const {
    const LookupEdge &edge = edges[static_cast<size_t>(number)];
    LookupReport report;
    report.growth = unreported_of(edge, until);
    if (report.growth.calls == 0)
        return report;
    // Small numbers of several tables explain the keys as well: the one named is the best guess, and no more.
    report.confidence = is_alone(number, until) ? Confidence::proven : Confidence::likely;
    report.edge = number;
    report.loop = edge.loop + report.growth.calls;
    report.distinct = distinct_of(edge, until);
    report.is_first = edge.loop == 0;
    return report;
}

LookupReport RepeatedLookup::report_plain(Confidence confidence, LookupKind kind) const {
    LookupReport report;
    const Work growth = work - reported;
    if (growth.calls == 0)
        return report;
    report.confidence = confidence;
    report.kind = kind;
    report.growth = growth;
    report.loop = work.calls;
    report.distinct = static_cast<uint32_t>(distinct);
    report.is_first = !(kind == LookupKind::redundant ? reported_redundant : reported_plainly);
    return report;
}

LookupReport RepeatedLookup::judge() const {
    if (unit == UnitKind::server)
        return work.calls >= first_check ? report_plain(Confidence::likely, LookupKind::server_loop) : LookupReport{};
    const int edge = strongest(work);
    if (edge >= 0 && is_worth_reporting(edges[static_cast<size_t>(edge)], work))
        return report_edge(edge, work);
    // Once a loop was proven, what is not is left alone.
    if (unit == UnitKind::pool || reported_proven)
        return {};
    const Confidence unproven = unit == UnitKind::burst ? Confidence::possible : Confidence::likely;
    if (distinct >= first_check && !reported_redundant)
        return report_plain(unproven, LookupKind::n_plus_one);
    if (reported_redundant || (max_repeats >= first_check && !reported_plainly))
        return report_plain(unproven, LookupKind::redundant);
    return {};
}

void RepeatedLookup::accept(const LookupReport &report) {
    if (report.confidence == Confidence::none)
        return;
    reported = work;
    if (report.edge < 0) {
        (report.kind == LookupKind::redundant ? reported_redundant : reported_plainly) = true;
        return;
    }
    LookupEdge &edge = edges[static_cast<size_t>(report.edge)];
    edge.loop = report.loop;
    edge.reported = true;
    edge.proven = report.confidence == Confidence::proven;
    reported_proven = true;
}

// Of a loop over other rows that was over when the strongest one began.
LookupReport RepeatedLookup::report_former() {
    const int newer = edge_count > 1 ? strongest(work) : -1;
    if (newer < 0 || edges[static_cast<size_t>(newer)].before.calls <= reported.calls)
        return {};
    const Work until = edges[static_cast<size_t>(newer)].before;
    const int number = strongest(until);
    if (number < 0 || !is_worth_reporting(edges[static_cast<size_t>(number)], until))
        return {};
    const LookupReport report = report_edge(number, until);
    accept(report);
    reported = until;
    edges[static_cast<size_t>(number)].reported = false;
    return report;
}

LookupReport RepeatedLookup::report(bool is_last) {
    uint64_t newest = 0; // where the newest batch began
    for (int i = 0; i < edge_count; ++i)
        newest = std::max(newest, edges[static_cast<size_t>(i)].before.calls);
    const uint64_t loop = work.calls - newest;
    next_check = std::max<uint64_t>(first_check, work.calls + std::max<uint64_t>(1, loop / check_step));
    if (rest.growth.calls > 0) {
        const LookupReport report = rest;
        rest = LookupReport{};
        return report;
    }
    if (const LookupReport former = report_former(); former.growth.calls > 0)
        return former;
    if (!is_last)
        return {};
    const LookupReport report = judge();
    accept(report);
    return report;
}

} // namespace dbperf::n_plus_one
