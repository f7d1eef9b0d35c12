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
    Relation related;
    bool all_values;
    bool reported;                                   // this batch
    uint64_t last_call;                              // number of the execution that was counted last
    uint64_t loop;                                   // executions reported of this batch
    Work before;                                     // what the statement had done before this batch
    std::array<uint64_t, max_traced_rows / 64> rows; // met, of the newest execution
};

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

// What a batch had done since its last report when the next one began.
struct BatchRest {
    Work growth; // no calls: nothing
    uint64_t loop;
    uint32_t distinct;
    int edge;
};

struct RepeatedLookup {
    static constexpr int max_edges = 4;
    // Distinct keys are counted exactly up to this many, then taken to go on being distinct unless they repeat at once.
    static constexpr uint32_t exact_keys = 192;
    static constexpr uint32_t key_slots = 256;

    uint64_t statement; // the owner's; 0: free
    Work work;
    uint64_t next_check; // calls at which a report may be due
    uint64_t last_key;
    uint32_t distinct;
    uint32_t max_repeats; // of one key, all parameters being equal
    uint32_t first_check; // executions of a batch before which there is nothing to report
    int edge_count;
    bool reported_plainly;
    bool reported_redundant;
    bool reported_proven;
    Work reported; // what was done up to the last report
    BatchRest rest;
    std::array<uint64_t, key_slots> keys;    // open addressing, 0: free
    std::array<uint32_t, key_slots> exact;   // hash of all parameters with the key, 0: not known
    std::array<uint16_t, key_slots> repeats; // executions with that
    std::array<LookupEdge, max_edges> edges;

    void begin(uint64_t of_statement, uint32_t threshold);
    // The same where there was another one before, or zeros: what it did not use needs no clearing.
    void begin_again(uint64_t of_statement, uint32_t threshold);

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
    int undecided_edge(uint32_t threshold) const;

    // What is new since the last report; to be asked whenever count() says so, or next_check has come after trace().
    // `is_last`: the unit of work is over.
    LookupReport report(uint32_t threshold, UnitKind unit, bool is_last);

    // Somebody else reports what was done so far.
    void skip_report() { reported = work; }

private:
    Novelty insert_key(uint64_t key);
    uint32_t slot_of(uint64_t key) const;
    LookupEdge *edge_of(const LookupOrigin &origin);
    int strongest(uint32_t threshold, UnitKind unit) const;
    Work unreported_of(const LookupEdge &edge) const;
    uint32_t distinct_of(const LookupEdge &edge) const;
    void begin_batch(LookupEdge *edge, const LookupOrigin &origin);
    LookupReport report_rest();
    LookupReport report_edge(int number);
    LookupReport report_plain(Confidence confidence, LookupKind kind);
};

// Whether the evidence proves that the keys came from the edge's column.
bool is_proof(const LookupEdge &edge, const Work &work, uint32_t threshold, UnitKind unit);

} // namespace dbperf::n_plus_one
