// How a used copy of a template becomes clean again: nothing to do, put its pages back, or take a new copy. Anything
// that is not known for sure is a new copy.
#pragma once

#include <cstdint>
#include <string_view>

namespace dbperf::database_pool {

// What the write-ahead log and the hooks know of one copy since it was clean.
struct Writes {
    bool log_is_gone;        // some of it was recycled
    bool log_is_too_long;    // to be read in a reasonable time
    bool pages_are_too_many; // to be remembered
    bool map_is_missing;     // which file is what: the template cannot be put back page by page
    bool template_changed;
    uint32_t pages;         // of user tables, indexes and sequences
    uint32_t unknown_files; // pages of files that the template does not have
    uint32_t new_files;     // a table created, truncated or rewritten
    uint32_t shortened;     // files that became shorter than the template's
    uint32_t catalog_rows;  // that differ from the template's; of temporary objects none
    uint32_t statistics_rows;
    uint32_t large_object_rows;
    uint32_t prepared;         // transactions prepared for a commit in two phases
    bool saw_maintenance;      // by the hooks: VACUUM, ANALYZE
    bool saw_schema_statement; // DDL, TRUNCATE
    bool is_gone;              // somebody dropped it
    bool template_is_gone;
    bool properties_changed; // what shared catalogs say of the database
    bool has_subscriptions;
    bool has_slots;
};

enum class ResetKind : uint8_t { clean, pages, copy };

enum class ResetReason : uint8_t {
    none,
    log_gone,
    too_many_pages,
    no_map,
    template_changed,
    schema,   // the hooks know the statement
    catalogs, // they do not
    large_objects,
    maintenance,
    prepared,
    shortened,
    locked,  // another session holds a lock on what has to be put back
    failed,  // an error while pages were put back
    differs, // dbperf.verify found a difference
    busy,    // others wrote to it again and again meanwhile
    gone,
    properties,
    subscriptions,
    slots,
    count,
};

struct ResetDecision {
    ResetKind kind;
    ResetReason reason;
};

ResetDecision decide_reset(const Writes &writes);

// Why a new copy is needed, to stand behind a colon; empty for none.
std::string_view text_of(ResetReason reason);

} // namespace dbperf::database_pool
