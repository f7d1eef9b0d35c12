// The model that tests compare RepeatedLookup with: it keeps every event and works all evidence out anew, by the
// header's words. Only tests include it.
#pragma once

#include "n_plus_one/repeated_lookup.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

namespace dbperf::n_plus_one::model {

using Column = std::tuple<uint64_t, uint32_t, int16_t, uint16_t>; // producer, relation, column, key

inline Column column_of(const LookupOrigin &origin) {
    return {origin.producer, origin.relation, origin.column, origin.key};
}

inline bool is_newer(uint32_t a, uint32_t b) {
    return a != b && a - b < 0x80000000u; // serials wrap around
}

// What the events of a column's newest batch amount to.
struct Evidence {
    uint32_t root = 0;
    size_t before = 0; // executions of the statement before the batch
    std::set<size_t> executions;
    std::vector<uint64_t> positions; // of rows met, in order of arrival
    uint32_t values = 0;
    bool all_values = true;
};

class Model {
public:
    void trace(const LookupOrigin &origin) {
        const Column column = column_of(origin);
        if (seen_.find(column) == seen_.end())
            columns_.push_back(column);
        else
            close_batch(column, origin.root);
        seen_[column].push_back({executions_.size(), origin});
    }

    void count(uint64_t exec, uint64_t wait) { executions_.push_back({1, exec, wait}); }

    // Whether the key is new.
    bool add_key(uint64_t key) {
        keys_.push_back({Key::fresh, key, 0});
        return distinct_.insert(key).second;
    }
    void add_repeat(uint64_t key, uint32_t parameters) { keys_.push_back({Key::repeat, key, parameters}); }
    void forget_repeats() { keys_.push_back({Key::forget, 0, 0}); }
    void relate(const Column &column, Relation relation) { related_[column] = relation; }

    const std::vector<Column> &columns() const { return columns_; }
    size_t distinct() const { return distinct_.size(); }
    bool owes_rest() const { return !rests_.empty(); }
    uint64_t reported() const { return growth_; }

    Evidence evidence(const Column &column) const {
        const std::vector<Event> &events = seen_.at(column);
        uint32_t newest_root = events[0].origin.root;
        for (const Event &event : events)
            if (is_newer(event.origin.root, newest_root))
                newest_root = event.origin.root;
        Evidence evidence;
        std::set<std::pair<uint32_t, uint16_t>> met;
        std::map<uint32_t, uint32_t> base_of_part;
        uint32_t newest_part = 0;
        evidence.root = newest_root;
        for (const Event &event : events) {
            const LookupOrigin &origin = event.origin;
            if (origin.root != newest_root)
                continue;
            if (evidence.executions.empty())
                evidence.before = event.execution;
            evidence.executions.insert(event.execution);
            if (newest_part == 0 || is_newer(origin.serial, newest_part)) {
                newest_part = origin.serial;
                base_of_part[newest_part] = evidence.values;
                evidence.values += origin.values;
                evidence.all_values &= origin.all_values;
            }
            if (origin.serial == newest_part && origin.row < max_traced_rows &&
                met.insert({origin.serial, origin.row}).second)
                evidence.positions.push_back(base_of_part[newest_part] + origin.row);
        }
        return evidence;
    }

    static bool is_ordered(const Evidence &it) {
        const size_t met = it.positions.size();
        size_t ascents = 0;
        for (size_t i = 1; i < met; ++i)
            ascents += it.positions[i] > it.positions[i - 1];
        return met >= 4 && 10 * ascents >= 9 * (met - 1);
    }

    bool is_proof(const Column &column, const Evidence &it, uint32_t threshold, UnitKind unit) const {
        const size_t met = it.positions.size();
        const bool varies = met >= 3 || (met == 2 && it.values == 2);
        if (it.executions.size() < threshold || !varies || !is_consistent(it))
            return false;
        const bool covers = 2 * met >= it.values;
        const bool related = is_related(column);
        if (unit == UnitKind::pool)
            return covers && (related || is_correlated(it));
        const bool a_quarter = 4 * met >= it.values;
        return covers || is_ordered(it) || (related && (unit != UnitKind::burst || a_quarter));
    }

    LookupReport report(uint32_t threshold, UnitKind unit, bool is_last) {
        if (!rests_.empty()) {
            const LookupReport rest = rests_.front();
            rests_.erase(rests_.begin());
            return rest;
        }
        if (unit == UnitKind::server)
            return executions_.size() >= threshold ? emit(Confidence::likely, LookupKind::server_loop) : LookupReport{};
        const int strongest = choose(threshold, unit);
        if (strongest >= 0) {
            const Column &column = columns_[static_cast<size_t>(strongest)];
            const Evidence it = evidence(column);
            const Work growth = unreported(it.before);
            if (loops_.count({column, it.root}) != 0 || growth.calls >= threshold)
                return emit_edge(strongest, it, growth);
            if (!is_last)
                return {};
        }
        if (unit == UnitKind::pool || !loops_.empty())
            return {};
        if (!is_last && is_growing(threshold))
            return {};
        if (reported_redundant_)
            return emit(Confidence::likely, LookupKind::redundant);
        if (distinct() >= threshold)
            return emit(unit == UnitKind::burst ? Confidence::possible : Confidence::likely, LookupKind::n_plus_one);
        if (!reported_plainly_ && unit != UnitKind::burst && max_repeats() >= threshold)
            return emit(Confidence::likely, LookupKind::redundant);
        return {};
    }

private:
    struct Event {
        size_t execution;
        LookupOrigin origin;
    };
    struct Key {
        enum { fresh, repeat, forget } what;
        uint64_t key;
        uint32_t parameters;
    };

    bool is_related(const Column &column) const {
        const auto known = related_.find(column);
        return known != related_.end() && known->second == Relation::related;
    }

    // Whether there is a column that may still turn out to be the keys' origin.
    bool is_growing(uint32_t threshold) const {
        for (const Column &column : columns_) {
            const Evidence it = evidence(column);
            const size_t loop = executions_.size() - it.before;
            if (executions_.size() < 2 * threshold ||
                (!it.executions.empty() && is_consistent(it) && loop < it.values / 2 + threshold))
                return true;
        }
        return false;
    }

    bool is_consistent(const Evidence &it) const {
        return !it.all_values || 2 * it.executions.size() >= executions_.size() - it.before;
    }

    // Pearson's r >= sqrt(1/2), in whole numbers.
    static bool is_correlated(const Evidence &it) {
        const auto n = static_cast<int64_t>(it.positions.size());
        int64_t x = 0, y = 0, xx = 0, yy = 0, xy = 0;
        for (int64_t i = 0; i < n; ++i) {
            const auto position = static_cast<int64_t>(it.positions[static_cast<size_t>(i)]);
            x += i, xx += i * i, y += position, yy += position * position, xy += i * position;
        }
        const double covariance = static_cast<double>(n * xy - x * y);
        const double variances = static_cast<double>(n * xx - x * x) * static_cast<double>(n * yy - y * y);
        return n >= 5 && covariance > 0 && 2 * covariance * covariance >= variances * (1 - 1e-9);
    }

    // The longest series of executions with one key and the same parameters, without a write between. That of which
    // the parameters are not known, the first, counts as like the second.
    uint32_t max_repeats() const {
        struct Series {
            uint32_t parameters, length;
        };
        std::map<uint64_t, Series> series;
        std::set<uint64_t> met;
        uint32_t most = 0;
        for (const Key &key : keys_) {
            if (key.what == Key::forget) {
                series.clear();
                most = 0;
            } else if (key.what == Key::fresh) {
                if (met.insert(key.key).second)
                    series[key.key] = {0, 1};
            } else {
                Series &it = series[key.key];
                it = {key.parameters, it.parameters == 0 || it.parameters == key.parameters ? it.length + 1 : 1};
                most = std::max(most, it.length);
            }
        }
        return most;
    }

    int choose(uint32_t threshold, UnitKind unit) const {
        int best = -1;
        double most = 0;
        for (size_t i = 0; i < columns_.size() && distinct() >= 2; ++i) {
            const Evidence it = evidence(columns_[i]);
            const bool goes_on = loops_.count({columns_[i], it.root}) != 0 && is_consistent(it);
            if (!goes_on && !is_proof(columns_[i], it, threshold, unit))
                continue;
            const double coverage = static_cast<double>(it.positions.size()) / it.values;
            const double share = static_cast<double>(it.executions.size()) / static_cast<double>(executions_.size());
            const double weight = (loops_.count({columns_[i], it.root}) != 0 ? 100 : 0) +
                                  (is_related(columns_[i]) ? 2 : 0) + std::min(1.0, coverage) + share +
                                  (is_ordered(it) ? 0.25 : 0);
            if (weight > most) {
                best = static_cast<int>(i);
                most = weight;
            }
        }
        return best;
    }

    Work unreported(size_t from) const {
        Work sum{};
        for (size_t i = std::max(from, reported_); i < executions_.size(); ++i)
            sum = {sum.calls + 1, sum.exec + executions_[i].exec, sum.wait + executions_[i].wait};
        return sum;
    }

    LookupReport close(LookupReport report) {
        growth_ += report.growth.calls;
        reported_ = executions_.size();
        return report;
    }

    LookupReport emit_edge(int number, const Evidence &it, Work growth) {
        if (growth.calls == 0)
            return {};
        const auto loop = loops_.insert({{columns_[static_cast<size_t>(number)], it.root}, 0});
        loop.first->second += growth.calls;
        const auto keys = static_cast<uint32_t>(it.all_values ? std::min(it.positions.size(), distinct()) : distinct());
        return close(
            {Confidence::proven, LookupKind::n_plus_one, number, growth, loop.first->second, keys, loop.second});
    }

    LookupReport emit(Confidence confidence, LookupKind kind) {
        const Work growth = unreported(0);
        if (growth.calls == 0)
            return {};
        bool &known = kind == LookupKind::redundant ? reported_redundant_ : reported_plainly_;
        const bool is_first = !known;
        known = true;
        return close({confidence, kind, -1, growth, executions_.size(), static_cast<uint32_t>(distinct()), is_first});
    }

    // A newer batch begins: what the one before did since it was reported is reported with it.
    void close_batch(const Column &column, uint32_t root) {
        const Evidence it = evidence(column);
        const bool reported = loops_.count({column, it.root}) != 0;
        if (!is_newer(root, it.root) || !reported || !is_consistent(it) || !rests_.empty())
            return;
        const auto number = std::find(columns_.begin(), columns_.end(), column) - columns_.begin();
        const LookupReport rest = emit_edge(static_cast<int>(number), it, unreported(it.before));
        if (rest.growth.calls > 0)
            rests_.push_back(rest);
    }

    std::vector<Work> executions_;
    std::vector<Column> columns_; // in order of appearance
    std::map<Column, std::vector<Event>> seen_;
    std::map<Column, Relation> related_;
    std::vector<Key> keys_;
    std::set<uint64_t> distinct_;
    std::map<std::pair<Column, uint32_t>, uint64_t> loops_; // executions reported, by column and batch
    std::vector<LookupReport> rests_;
    size_t reported_ = 0; // executions that reports are through with
    uint64_t growth_ = 0; // calls that were reported
    bool reported_plainly_ = false;
    bool reported_redundant_ = false;
};

} // namespace dbperf::n_plus_one::model
