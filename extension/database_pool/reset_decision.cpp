#include "database_pool/reset_decision.h"

namespace dbperf::database_pool {

ResetDecision decide_reset(const Writes &writes) {
    const auto copy = [](ResetReason reason) { return ResetDecision{ResetKind::copy, reason}; };
    if (writes.is_gone)
        return copy(ResetReason::gone);
    if (writes.template_is_gone)
        return copy(ResetReason::template_changed);
    if (writes.has_slots)
        return copy(ResetReason::slots);
    if (writes.has_subscriptions)
        return copy(ResetReason::subscriptions);
    if (writes.properties_changed)
        return copy(ResetReason::properties);
    if (writes.log_is_gone || writes.log_is_too_long)
        return copy(ResetReason::log_gone);
    if (writes.template_changed)
        return copy(ResetReason::template_changed);
    if (writes.new_files > 0 || writes.unknown_files > 0 || writes.catalog_rows > 0)
        return copy(writes.saw_schema_statement ? ResetReason::schema : ResetReason::catalogs);
    if (writes.large_object_rows > 0)
        return copy(ResetReason::large_objects);
    if (writes.saw_maintenance || writes.statistics_rows > 0)
        return copy(ResetReason::maintenance);
    if (writes.prepared > 0)
        return copy(ResetReason::prepared);
    if (writes.shortened > 0)
        return copy(ResetReason::shortened);
    if (writes.pages_are_too_many)
        return copy(ResetReason::too_many_pages);
    // Without a map nothing is known of unlogged tables either.
    if (writes.map_is_missing)
        return copy(ResetReason::no_map);
    return {writes.pages == 0 ? ResetKind::clean : ResetKind::pages, ResetReason::none};
}

std::string_view text_of(ResetReason reason) {
    switch (reason) {
    case ResetReason::none:
    case ResetReason::count:
        break;
    case ResetReason::log_gone:
        return "its write-ahead log is gone or too long";
    case ResetReason::too_many_pages:
        return "too much was written";
    case ResetReason::no_map:
        return "its template has too many tables, rewritten catalogs, or rows that could not be frozen";
    case ResetReason::template_changed:
        return "its template has changed or is gone";
    case ResetReason::schema:
        return "a statement changed the schema or rewrote a table";
    case ResetReason::catalogs:
        return "the catalogs were written to";
    case ResetReason::large_objects:
        return "large objects were written";
    case ResetReason::maintenance:
        return "VACUUM or ANALYZE changed statistics";
    case ResetReason::prepared:
        return "a transaction was prepared";
    case ResetReason::shortened:
        return "a table became shorter than in the template";
    case ResetReason::locked:
        return "another session holds a lock on a table that was written to";
    case ResetReason::failed:
        return "an error while pages were put back";
    case ResetReason::differs:
        return "it still differed from its template";
    case ResetReason::busy:
        return "other sessions kept writing to it";
    case ResetReason::gone:
        return "it was dropped";
    case ResetReason::properties:
        return "settings, grants, comment, name or limits of the database were changed";
    case ResetReason::subscriptions:
        return "a subscription was left in it";
    case ResetReason::slots:
        return "a replication slot was left in it";
    }
    return {};
}

} // namespace dbperf::database_pool
