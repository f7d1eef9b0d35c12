// One statement's lookups within one unit of work, and what they amount to. A pure state machine: it gets
// executions and where their keys came from, and says what is to be reported.
//
// Evidence is kept per edge, that is per column of a producer. A value alone matches by chance; what makes an edge
// strong is that most of the column's distinct values were looked up (coverage), that they were in the order of the
// rows, or that the schema relates the two columns.
//
// A loop is what one batch of rows made: a new batch is a new loop. No execution is reported twice, whether with a
// parent or without.
#pragma once

#include <array>
#include <cstdint>

namespace dbperf::n_plus_one {

enum class Confidence : uint32_t { none, possible, likely, proven };

// What holds executions together, weakest last.
enum class UnitKind : uint8_t {
    none,
    tagged,      // a named scope or a trace id
    transaction, // an explicit transaction
    burst,       // activity on one connection without a pause
    pool,        // the same client on several connections, without a tag
    server       // below one statement of the client
};

constexpr uint16_t max_traced_rows = 512;

// One place that a key of an execution came from.
struct LookupOrigin {
    uint64_t producer; // fingerprint
    uint32_t relation; // the column's table, 0 when it was computed
    int16_t column;    // its number there, or in the output
    uint16_t key;      // which of the statement's keys
    uint32_t root;     // executions of one root are one batch of rows
    uint32_t serial;   // the execution; of one producer rising
    uint16_t row;      // in which the value appeared first
    uint16_t values;   // distinct values of the column in that execution
    bool all_values;   // whether these are all it returned
    bool is_foreign;   // returned on another connection
    bool is_outside;   // of this transaction
    bool is_crowded;   // looked up by a connection that has done other things since it was returned
};

// Executions and nanoseconds.
struct Work {
    uint64_t calls;
    uint64_t exec;
    uint64_t wait;
};

constexpr Work operator-(const Work &a, const Work &b) {
    return {a.calls - b.calls, a.exec - b.exec, a.wait - b.wait};
}

enum class Relation : uint8_t { unknown, none, related };

// What ties the keys to the edge's column. Equal values alone are chance: small numbers are everywhere. The order of
// the rows alone is, too: constants of a program ascend, and so do ids.
enum class Evidence : uint8_t {
    none,
    coverage, // all of its values and no other keys, in another order
    order,    // most of its values, in the order of the rows
    schema    // a foreign key, or the very column
};

struct LookupEdge {
    uint64_t producer;
    uint32_t relation;
    int16_t column;
    uint16_t key;
    uint32_t root;
    uint32_t serial;     // newest
    uint32_t executions; // whose key this column returned
    uint32_t distinct;   // rows met, each once
    uint32_t values;     // distinct values the column had
    uint32_t base;       // those of the executions before the newest
    uint32_t ascents;    // rows met first that come after the one before
    uint32_t last_position;
    uint64_t position_sum; // for the correlation of arrival and position
    uint64_t square_sum;
    uint64_t product_sum;
    uint32_t elsewhere; // more of these rows that other statements of the unit of work met
    Relation related;
    bool all_values;
    bool crowded;                                    // connections that do other things, too, looked it up
    bool reported;                                   // this batch, while it goes on
    bool proven;                                     // as it was reported
    Evidence over;                                   // of the batch before, as it ended
    uint64_t last_call;                              // number of the execution that was counted last
    uint64_t loop;                                   // executions reported of this batch
    Work before;                                     // what the statement had done before this batch
    std::array<uint64_t, max_traced_rows / 64> rows; // met, of the newest execution
};

// One column as the source of one key.
constexpr bool is_same_column(const auto &a, const auto &b) {
    return a.producer == b.producer && a.relation == b.relation && a.column == b.column && a.key == b.key;
}

enum class Novelty : uint8_t { fresh, repeated };
enum class LookupKind : uint8_t { n_plus_one, redundant, server_loop };

struct LookupReport {
    Confidence confidence = Confidence::none; // none: nothing to report
    LookupKind kind = LookupKind::n_plus_one;
    int edge = -1; // number of the edge, -1 without a parent
    Work growth{};
    uint64_t loop = 0; // executions of this loop so far
    uint32_t distinct = 0;
    bool is_first = false; // of this loop
};

struct RepeatedLookup {
    static constexpr int max_edges = 10; // more than one key can come from
    // Distinct keys are counted exactly up to this many, then taken to go on being distinct unless they repeat at once.
    static constexpr uint32_t exact_keys = 192;
    static constexpr uint32_t key_slots = 256;

    uint64_t statement; // the owner's; 0: free
    Work work;
    uint64_t distinct;
    uint64_t next_check; // calls at which a report may be due
    uint64_t last_key;
    uint32_t max_repeats; // of one key, all parameters being equal
    uint32_t first_check; // executions of a batch before which there is nothing to report
    int edge_count;
    UnitKind unit;
    bool reported_plainly;
    bool reported_redundant;
    bool reported_proven;
    Work reported;                           // what was done up to the last report
    LookupReport rest;                       // of the batch before, to be reported; no calls: nothing
    std::array<uint64_t, key_slots> keys;    // open addressing, 0: free
    std::array<uint32_t, key_slots> exact;   // hash of all parameters with the key, 0: not known
    std::array<uint16_t, key_slots> repeats; // executions with that
    std::array<LookupEdge, max_edges> edges;

    void begin(uint64_t of_statement, uint32_t threshold, UnitKind of_unit);
    // The same where there was another one before, or zeros: what it did not use needs no clearing.
    void begin_again(uint64_t of_statement, uint32_t threshold, UnitKind of_unit);

    // Counts one execution. True when report() may have something to say.
    bool count(uint64_t exec, uint64_t wait) {
        ++work.calls;
        work.exec += exec;
        work.wait += wait;
        return work.calls >= next_check;
    }

    // Its key: a hash over all keys of the statement, never 0.
    Novelty add_key(uint64_t key) {
        if (key == last_key)
            return Novelty::repeated;
        last_key = key;
        if (__builtin_expect(distinct >= exact_keys, true)) {
            ++distinct;
            return Novelty::fresh;
        }
        return insert_key(key);
    }

    // The key of this execution was seen before; `all_parameters` is a hash over everything that is not constant.
    void add_repeat(uint64_t key, uint32_t all_parameters);
    // What was read may have changed: reading it again is not redundant.
    void forget_repeats();

    // One place this execution's key came from; before count().
    void trace(const LookupOrigin &origin);

    // The edge whose relation in the schema has to be looked up before report() is asked; -1 without.
    int undecided_edge() const;

    // Where a column holds ids of several tables, each statement looks up a part of them. Whether this edge lacks
    // nothing but the other parts, and the rows that this statement met of one: added to those in `met`.
    using Rows = std::array<uint64_t, max_traced_rows / 64>;
    bool wants_others(const LookupEdge &edge) const;
    void add_rows(const LookupEdge &of, Rows *met) const;

    // What the executions so far amount to, over all their keys, less what was reported; asking changes nothing.
    LookupReport judge() const;
    // Somebody reported this, which judge() said just now.
    void accept(const LookupReport &report);
    // What is to be reported now; to be asked whenever count() says so, or next_check has come after trace(). A loop is
    // reported when it is over: when the next batch of rows is looked up, or `is_last`, the unit of work ends.
    LookupReport report(bool is_last);

    // Keys that are this column's.
    uint32_t distinct_of(const LookupEdge &edge) const { return distinct_of(edge, work); }

    // Somebody else reports what was done so far.
    void skip_report() {
        reported = work;
        rest = LookupReport{};
    }

private:
    Novelty insert_key(uint64_t key);
    uint32_t slot_of(uint64_t key) const;
    LookupEdge *edge_of(const LookupOrigin &origin);
    // `until`: as of when only so much was done.
    int strongest(const Work &until) const;
    double weight_of(const LookupEdge &edge, const Work &until) const;
    bool is_alone(int number, const Work &until) const;
    bool is_worth_reporting(const LookupEdge &edge, const Work &until) const;
    Work begin_of(const LookupEdge &edge) const;
    Work unreported_of(const LookupEdge &edge, const Work &until) const;
    uint32_t distinct_of(const LookupEdge &edge, const Work &until) const;
    void begin_batch(LookupEdge *edge, const LookupOrigin &origin);
    LookupReport report_edge(int number, const Work &until) const;
    LookupReport report_former();
    LookupReport report_plain(Confidence confidence, LookupKind kind) const;
};

// As many as `met` has that the edge has not.
uint32_t rows_elsewhere(const LookupEdge &edge, const RepeatedLookup::Rows &met);

Evidence evidence_of(const LookupEdge &edge, const Work &work, uint32_t threshold, UnitKind unit);

} // namespace dbperf::n_plus_one
