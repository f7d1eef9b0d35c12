// From a report of the state machine to a finding: names of tables and columns, texts, growth.
#pragma once

#include "core/pg.h"

#include <span>

#include "n_plus_one/column_relation.h"
#include "n_plus_one/finding_table.h"
#include "n_plus_one/key_variation.h"
#include "n_plus_one/repeated_lookup.h"
#include "lookups/lookup_keys.h"
#include "statements/traceparent.h"

namespace dbperf::n_plus_one {

// What is repeated, as it was when the loop began. Lies in shared memory too.
struct LoopSubject {
    uint64 fingerprint;
    uint64 pattern;   // of the scope's name
    uint64 unit_id;   // of a named unit of work, else 0
    uint64 unit_name; // hash of the whole name
    uint64 top_level; // fingerprint of the statement around a loop in the server, else 0
    Oid database;
    Oid role;
    uint32 run;
    UnitKind unit;
    bool is_write;
    bool locks_rows;
    bool is_call;
    uint8 key_count;
    TableColumn keys[lookups::max_lookup_keys];
    KeyVariation variation; // of these keys
    char scope[64];
    char comment[224];
    char traceparent[statements::traceparent_length + 1]; // "" if none
};

namespace loop_finding {

// So that the keys have names whoever reports the loop.
void remember_names(const LoopSubject &subject);
// The catalogs are asked once per edge.
Relation relation_of(const LoopSubject &subject, const LookupEdge &edge);

// What the report's finding is, and what it says; `edge` is the report's, null without.
FindingKey key_of(const LoopSubject &subject, const LookupEdge *edge, const LookupReport &report);
uint64 parent_of(const LoopSubject &subject, const LookupEdge *edge);
void describe(const LoopSubject &subject, const LookupEdge *edge, FindingText *text);
bool is_to_be_reported(const LoopSubject &subject, const LookupReport &report);

// `described`: what was found out about this key before, when catalogs could be read; may be null.
struct Described {
    FindingKey key;
    FindingText text;
};
void report(const LoopSubject &subject, const RepeatedLookup &lookup, const LookupReport &report,
            std::span<const int> backends, finding_table::Handle *handle, const Described *described = nullptr);

} // namespace loop_finding
} // namespace dbperf::n_plus_one
