// The model that tests compare RepeatedLookup with: it keeps every event and works all evidence out anew, by the
// header's words. Only tests include it.
//
// A time is a number of executions: what was `until` a time is what the executions before it did.
#pragma once

#include "n_plus_one/repeated_lookup.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
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
struct NewestBatch {
    uint32_t root = 0;
    size_t before = 0; // executions of the statement before the batch
    std::set<size_t> executions;
    std::vector<uint64_t> positions; // of rows met, in order of arrival
    uint32_t values = 0;
    bool all_values = true;

    // Of `until` executions. That of which the keys are being traced is not over.
    size_t counted(size_t until) const {
        return executions.size() - static_cast<size_t>(!executions.empty() && *executions.rbegin() >= until);
    }
};

class Model {
public:
    Model(uint32_t threshold, UnitKind unit) : threshold_(threshold), unit_(unit) {}

    void trace(const LookupOrigin &origin) {
        const Column column = column_of(origin);
        if (seen_.find(column) == seen_.end())
            columns_.push_back(column);
        else if (is_newer(origin.root, newest_batch(column).root))
            close_batch(column);
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

    NewestBatch newest_batch(const Column &column) const { return newest_batch_of(seen_.at(column)); }

    static bool is_ordered(const NewestBatch &it) {
        const size_t met = it.positions.size();
        size_t ascents = 0;
        for (size_t i = 1; i < met; ++i)
            ascents += it.positions[i] > it.positions[i - 1];
        return met >= 4 && 10 * ascents >= 9 * (met - 1);
    }

    Evidence evidence(const Column &column, const NewestBatch &it, size_t until, UnitKind unit) const {
        const size_t met = it.positions.size();
        const bool varies = met >= 3 || (met == 2 && it.values == 2);
        if (it.counted(until) < threshold_ || !varies || !is_consistent(it, until))
            return Evidence::none;
        const bool a_quarter = 4 * met >= it.values, half = 2 * met >= it.values,
                   nearly_all = 10 * met >= 9 * it.values;
        if (is_related(column)) {
            const bool enough = (unit != UnitKind::burst || a_quarter) && (unit != UnitKind::pool || half);
            return enough ? Evidence::schema : Evidence::none;
        }
        if (half && (is_ordered(it) || is_correlated(it)))
            return Evidence::order;
        const bool no_other_keys = it.counted(until) == until - it.before;
        if (nearly_all && no_other_keys && met >= threshold_ && unit != UnitKind::pool)
            return Evidence::coverage;
        return Evidence::none;
    }

    LookupReport judge() const {
        const size_t now = executions_.size();
        if (unit_ == UnitKind::server)
            return now >= threshold_ ? plainly(Confidence::likely, LookupKind::server_loop) : LookupReport{};
        const int strongest = choose(now);
        if (strongest >= 0 && is_worth_reporting(strongest, now))
            return with_parent(strongest, now);
        if (unit_ == UnitKind::pool || !loops_.empty())
            return {};
        const Confidence confidence = unit_ == UnitKind::burst ? Confidence::possible : Confidence::likely;
        if (reported_redundant_)
            return plainly(confidence, LookupKind::redundant);
        if (distinct() >= threshold_)
            return plainly(confidence, LookupKind::n_plus_one);
        if (!reported_plainly_ && max_repeats() >= threshold_)
            return plainly(confidence, LookupKind::redundant);
        return {};
    }

    void accept(const LookupReport &report) {
        if (report.growth.calls == 0)
            return;
        reported_ = executions_.size();
        if (report.edge >= 0)
            enter_loop(report, true);
        else
            (report.kind == LookupKind::redundant ? reported_redundant_ : reported_plainly_) = true;
    }

    LookupReport report(bool is_last) {
        if (!rests_.empty()) {
            const LookupReport rest = rests_.front();
            rests_.clear();
            return rest;
        }
        if (const LookupReport former = report_former(); former.growth.calls > 0)
            return former;
        if (!is_last)
            return {};
        const LookupReport report = judge();
        accept(report);
        return report;
    }

    void skip_report() {
        reported_ = executions_.size();
        rests_.clear();
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
    static NewestBatch newest_batch_of(const std::vector<Event> &events) {
        uint32_t newest_root = events[0].origin.root;
        for (const Event &event : events)
            if (is_newer(event.origin.root, newest_root))
                newest_root = event.origin.root;
        NewestBatch batch;
        std::set<std::pair<uint32_t, uint16_t>> met;
        std::map<uint32_t, uint32_t> base_of_part;
        uint32_t newest_part = 0;
        batch.root = newest_root;
        for (const Event &event : events) {
            const LookupOrigin &origin = event.origin;
            if (origin.root != newest_root)
                continue;
            if (batch.executions.empty())
                batch.before = event.execution;
            batch.executions.insert(event.execution);
            if (newest_part == 0 || is_newer(origin.serial, newest_part)) {
                newest_part = origin.serial;
                base_of_part[newest_part] = batch.values;
                batch.values += origin.values;
                batch.all_values &= origin.all_values;
            }
            if (origin.serial == newest_part && origin.row < max_traced_rows &&
                met.insert({origin.serial, origin.row}).second)
                batch.positions.push_back(base_of_part[newest_part] + origin.row);
        }
        return batch;
    }

    // The same before the newest one began.
    NewestBatch batch_before(const Column &column) const {
        const uint32_t newest = newest_batch(column).root;
        const std::vector<Event> &events = seen_.at(column);
        const auto end = std::find_if(events.begin(), events.end(),
                                      [newest](const Event &event) { return event.origin.root == newest; });
        return end == events.begin() ? NewestBatch{} : newest_batch_of({events.begin(), end});
    }

    struct Loop {
        uint64_t reported; // executions
        bool goes_on;      // as far as anybody knows
        bool proven;
    };

    bool is_related(const Column &column) const {
        const auto known = related_.find(column);
        return known != related_.end() && known->second == Relation::related;
    }

    static bool is_consistent(const NewestBatch &it, size_t until) {
        return !it.all_values || 2 * it.counted(until) >= until - it.before;
    }

    // Pearson's r >= sqrt(1/2), in whole numbers.
    static bool is_correlated(const NewestBatch &it) {
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

    const Loop *loop_of(const Column &column, const NewestBatch &it) const {
        const auto loop = loops_.find({column, it.root});
        return loop == loops_.end() ? nullptr : &loop->second;
    }

    // The column that explains the keys of the first `until` executions best, -1 without. What was met since then says
    // nothing about them.
    int choose(size_t until) const {
        int best = -1;
        double most = 0;
        if (distinct() < 2 || unit_ == UnitKind::server)
            return best;
        for (size_t i = 0; i < columns_.size(); ++i) {
            const NewestBatch it = newest_batch(columns_[i]);
            if (until < executions_.size() && *it.executions.rbegin() >= until)
                continue;
            const Loop *loop = loop_of(columns_[i], it);
            const bool reported = loop && loop->goes_on;
            const bool goes_on = reported && is_consistent(it, until);
            if (!goes_on && evidence(columns_[i], it, until, unit_) == Evidence::none)
                continue;
            const bool is_handful = 2 * it.executions.size() < until - reported_;
            if (unit_ == UnitKind::pool && !is_related(columns_[i]) && !reported && is_handful)
                continue;
            const double coverage = static_cast<double>(it.positions.size()) / it.values;
            const double share = static_cast<double>(it.executions.size()) / static_cast<double>(until);
            const double weight = (reported ? 100 : 0) + (is_related(columns_[i]) ? 2 : 0) + std::min(1.0, coverage) +
                                  share + (is_ordered(it) ? 0.25 : 0);
            if (weight > most) {
                best = static_cast<int>(i);
                most = weight;
            }
        }
        return best;
    }

    // Whether a column of another table, or another column of the same, explains the keys as well.
    bool has_rival(int number, size_t until) const {
        const Column &column = columns_[static_cast<size_t>(number)];
        const Evidence strength = evidence(column, newest_batch(column), until, unit_);
        const auto table_column = [](const Column &of) { return std::pair(std::get<1>(of), std::get<2>(of)); };
        return std::any_of(columns_.begin(), columns_.end(), [&](const Column &other) {
            NewestBatch it = newest_batch(other);
            const bool same = table_column(other) == table_column(column) && std::get<1>(column) != 0;
            if (other == column || same || it.before > until)
                return false;
            // One whose next batch has just begun explained them until then.
            if (it.before == until && until > 0)
                it = batch_before(other);
            return evidence(other, it, until, unit_) >= strength;
        });
    }

    // Neither what was reported already nor what was before the batch, unless that is less than a loop.
    size_t since(const NewestBatch &it) const { return it.before >= reported_ + threshold_ ? it.before : reported_; }

    bool is_worth_reporting(int number, size_t until) const {
        const Column &column = columns_[static_cast<size_t>(number)];
        const NewestBatch it = newest_batch(column);
        const Loop *loop = loop_of(column, it);
        return (loop && loop->goes_on) || until >= since(it) + threshold_;
    }

    Work sum(size_t from, size_t until) const {
        Work sum{};
        for (size_t i = from; i < until; ++i)
            sum = {sum.calls + 1, sum.exec + executions_[i].exec, sum.wait + executions_[i].wait};
        return sum;
    }

    LookupReport with_parent(int number, size_t until) const {
        const Column &column = columns_[static_cast<size_t>(number)];
        const NewestBatch it = newest_batch(column);
        const Loop *loop = loop_of(column, it);
        const Work growth = sum(since(it), until);
        if (growth.calls == 0)
            return {};
        const bool proven = (loop && loop->proven) || is_related(column) || !has_rival(number, until);
        const uint64_t size = (loop ? loop->reported : 0) + growth.calls;
        const size_t keys = it.all_values && since(it) > 0 ? std::min(it.positions.size(), distinct()) : distinct();
        return {proven ? Confidence::proven : Confidence::likely,      LookupKind::n_plus_one, number, growth, size,
                static_cast<uint32_t>(std::min<uint64_t>(keys, size)), loop == nullptr};
    }

    LookupReport plainly(Confidence confidence, LookupKind kind) const {
        const Work growth = sum(reported_, executions_.size());
        if (growth.calls == 0)
            return {};
        const bool is_first = !(kind == LookupKind::redundant ? reported_redundant_ : reported_plainly_);
        return {confidence, kind, -1, growth, executions_.size(), static_cast<uint32_t>(distinct()), is_first};
    }

    void enter_loop(const LookupReport &report, bool goes_on) {
        const Column &column = columns_[static_cast<size_t>(report.edge)];
        loops_[{column, newest_batch(column).root}] = {report.loop, goes_on, report.confidence == Confidence::proven};
    }

    // A newer batch of this column begins, so the loop over the one before is over.
    void close_batch(const Column &column) {
        const size_t now = executions_.size();
        const int strongest = rests_.empty() ? choose(now) : -1;
        if (strongest < 0 || columns_[static_cast<size_t>(strongest)] != column || !is_worth_reporting(strongest, now))
            return;
        const LookupReport rest = with_parent(strongest, now);
        if (rest.growth.calls == 0)
            return;
        rests_.push_back(rest);
        accept(rest);
    }

    // Of the loop, with other rows, that was over when the strongest began.
    LookupReport report_former() {
        const int newer = choose(executions_.size());
        const size_t until = newer < 0 ? 0 : newest_batch(columns_[static_cast<size_t>(newer)]).before;
        const int former = until > reported_ ? choose(until) : -1;
        if (former < 0 || !is_worth_reporting(former, until))
            return {};
        const LookupReport report = with_parent(former, until);
        reported_ = until;
        enter_loop(report, false);
        return report;
    }

    const uint32_t threshold_;
    const UnitKind unit_;
    std::vector<Work> executions_;
    std::vector<Column> columns_; // in order of appearance
    std::map<Column, std::vector<Event>> seen_;
    std::map<Column, Relation> related_;
    std::vector<Key> keys_;
    std::set<uint64_t> distinct_;
    std::map<std::pair<Column, uint32_t>, Loop> loops_; // that were reported, by column and batch
    std::vector<LookupReport> rests_;                   // one at most
    size_t reported_ = 0;                               // executions that reports are through with
    bool reported_plainly_ = false;
    bool reported_redundant_ = false;
};

} // namespace dbperf::n_plus_one::model
