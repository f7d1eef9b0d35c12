// The settings of the module. Values are read straight from these variables; only settings.cpp writes them.
#pragma once

#include <cstdint>

namespace dbperf::settings {

enum CapturePlans : int { capture_off, capture_new, capture_slow, capture_all };

// What the postmaster fixes at its start.
extern int max_statements;
extern int max_plans;
extern int max_findings;
extern int max_query_length; // bytes
extern int text_memory;      // kB
extern int queue_size;       // kB
extern char *database;
extern char *project;

extern bool enabled;
extern char *run;
extern char *scope;
extern int scope_gap; // ms
extern char *query_name;
extern bool n_plus_one;
extern int n_plus_one_threshold;
extern int capture_plans;
extern bool capture_timing;
extern int slow_query_threshold; // ms, -1: off
extern double budget;            // ms, 0: none
extern int flush_timeout;        // ms

// Bumped whenever the session sets the value anew, so that what is derived from it can be cached.
extern uint32_t run_version;
extern uint32_t scope_version;
extern uint32_t query_name_version;

void install();

} // namespace dbperf::settings
