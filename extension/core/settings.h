// The settings of the module. Values are read straight from these variables; only settings.cpp writes them.
#pragma once

#include <cstdint>

namespace dbperf::core::settings {

enum CapturePlans : int { capture_off, capture_new, capture_slow, capture_all };

// What the postmaster fixes at its start.
extern int max_statements;
extern int max_plans;
extern int max_findings;
extern int max_query_length; // bytes
extern int text_memory;      // kB
extern int queue_size;       // kB
extern int lineage_memory;   // kB
extern int max_units;
extern int max_unit_names;
extern int lock_memory; // kB
extern int max_trail;
extern int max_lock_waits;
extern int max_parameter_sets;
extern char *database;
extern char *project;

extern bool enabled;
// Why this process observes nothing now; 0: it observes. Bits below `suppression_step` are these, above them is a count
// of nested statements of dbperf's own.
enum Suppression : int { suppressed_by_setting = 1, suppressed_process = 2, suppression_step = 4 };
extern int suppression;
// This process works for dbperf and is never observed.
inline void exclude_process() {
    suppression |= suppressed_process;
}
extern char *run;
extern bool run_may_begin; // whoever set the label may begin runs
extern char *scope;
extern int scope_gap; // ms
extern char *query_name;
extern bool n_plus_one;
extern bool track_deadlocks;
extern int n_plus_one_threshold;
extern int capture_plans;
extern bool capture_timing;
extern bool keep_parameters;
extern int slow_query_threshold; // ms, -1: off
extern double budget;            // ms, 0: none
extern int flush_timeout;        // ms
extern bool track_locks;
extern bool possible_cycles;
extern bool track_lock_waits;
extern int lock_wait_interval; // ms

// Where the session stops, by dbperf.pause_before_lock: before the transaction asks for this row for the n-th time, or
// when a command has locked this table in the mode of that number, or, without a resource, before a statement begins
// when it has taken so many locks. It waits for the advisory lock (1684172912, key).
struct Pause {
    bool on;
    uint64_t resource;
    uint32_t occurrence;
    uint32_t steps;
    uint32_t key;
    uint64_t watched[2]; // resources that SHOW names when the transaction has asked for them: "held", "requested"
};
extern Pause pause;
extern bool pause_asked_for[2];
extern int acquire_timeout; // ms
extern int max_test_databases;
extern int test_database_space; // MB
extern int max_kept_databases;
extern int test_database_idle; // s
extern bool verify;

// Bumped whenever the session sets dbperf.run anew; and the generation of the registry in which its run was looked up
// last, 0 when it has to be again.
extern uint32_t run_version;
extern uint32_t known_run_generation;

// What is derived from session settings, computed when one of them was set.
struct Derived {
    bool stale;
    uint64_t name;         // hash of query_name, 0 if none
    uint64_t scope;        // hash of scope, 0 if none
    uint64_t budget;       // ns, 0: none
    uint64_t gap;          // scope_gap in ns
    uint32_t scope_ends;   // how often scope became empty
    uint32_t scope_sets;   // and was set at all
    uint64_t scope_set_at; // ns, monotonic clock
};
extern Derived derived_values;
[[gnu::cold]] void derive();

inline const Derived &derived() {
    if (__builtin_expect(derived_values.stale, false))
        derive();
    return derived_values;
}

// What a name is in `Derived`; 0: it is empty.
uint64_t hash_of_label(const char *label);

void install();

} // namespace dbperf::core::settings
