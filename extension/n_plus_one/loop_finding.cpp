#include "core/pg.h"

#include "n_plus_one/loop_finding.h"

#include "core/guard.h"
#include "core/hash.h"
#include "core/slice.h"
#include "n_plus_one/column_names.h"

namespace dbperf::n_plus_one::loop_finding {
using namespace core;
using namespace lookups;

namespace {

FindingKind kind_of(const LoopSubject &subject, const LookupReport &report) {
    switch (report.kind) {
    case LookupKind::server_loop:
        return FindingKind::server_loop;
    case LookupKind::redundant:
        return FindingKind::redundant;
    case LookupKind::n_plus_one:
        break;
    }
    return subject.is_write ? FindingKind::n_plus_one_write : FindingKind::n_plus_one;
}

uint64 hash_of_edge(const LookupEdge &edge) {
    Hash64 hash;
    hash.add(edge.producer);
    hash.add(uint64{edge.relation} << 16 | static_cast<uint16>(edge.column));
    hash.add(uint64{edge.key});
    return hash.value() | 1;
}

// Without the delimiters and the keys that differ from call to call.
void take_call_site(std::string_view comment, char *site, size_t room) {
    if (comment.size() >= 4 && comment[0] == '/')
        comment = slice(comment, 2, comment.size() - 4);
    else if (comment.size() >= 2)
        comment = slice(comment, 2);
    size_t length = 0;
    while (!comment.empty()) {
        const size_t end = comment.find(',');
        std::string_view part = slice(comment, 0, end);
        comment = end == std::string_view::npos ? std::string_view{} : slice(comment, end + 1);
        while (!part.empty() && part.front() == ' ')
            part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ')
            part.remove_suffix(1);
        const bool varies = part.starts_with("traceparent=") || part.starts_with("tracestate=");
        if (varies || part.find("='") == std::string_view::npos || length + part.size() + 2 > room)
            continue;
        if (length > 0)
            site[length++] = ',';
        memcpy(site + length, part.data(), part.size());
        length += part.size();
    }
    site[length] = '\0';
}

void name_key(Oid database, TableColumn key, FindingText *text) {
    column_names::ColumnName name;
    if (column_names::name_of(database, key, &name))
        snprintf(text->key_column, sizeof(text->key_column), "%s.%s", name.relation, name.column);
}

void name_parent(Oid database, TableColumn parent, FindingText *text) {
    column_names::ColumnName name;
    if (!column_names::name_of(database, parent, &name))
        return;
    strlcpy(text->parent_column, name.column, sizeof(text->parent_column));
    catch_errors([&name, text] {
        strlcpy(text->parent_relation, quote_qualified_identifier(name.schema, name.relation),
                sizeof(text->parent_relation));
    });
}

} // namespace

void remember_names(const LoopSubject &subject) {
    for (int i = 0; i < subject.key_count; ++i)
        column_names::remember(subject.keys[i]);
}

Relation relation_of(const LoopSubject &subject, const LookupEdge &edge) {
    column_names::remember({edge.relation, edge.column});
    if (edge.key >= subject.key_count || subject.database != MyDatabaseId)
        return Relation::none;
    const TableColumn key = subject.keys[edge.key];
    return are_related(key, {edge.relation, edge.column}) ? Relation::related : Relation::none;
}

FindingKey key_of(const LoopSubject &subject, const LookupEdge *edge, const LookupReport &report) {
    return {subject.pattern,         subject.fingerprint, edge ? hash_of_edge(*edge) : subject.top_level,
            subject.database,        subject.role,        subject.run,
            kind_of(subject, report)};
}

uint64 parent_of(const LoopSubject &subject, const LookupEdge *edge) {
    return edge ? edge->producer : subject.top_level;
}

void describe(const LoopSubject &subject, const LookupEdge *edge, FindingText *text) {
    *text = FindingText{};
    if (edge && !OidIsValid(edge->relation))
        snprintf(text->parent_column, sizeof(text->parent_column), "output column %d", edge->column);
    memcpy(text->scope, subject.scope, sizeof(text->scope));
    take_call_site(subject.comment, text->call_site, sizeof(text->call_site));
    memcpy(text->traceparent, subject.traceparent, sizeof(text->traceparent));
    strlcpy(text->application_name, application_name ? application_name : "", sizeof(text->application_name));
    const size_t number = edge ? edge->key : subject.variation.key();
    if (number < subject.key_count)
        name_key(subject.database, subject.keys[number], text);
    if (edge)
        name_parent(subject.database, {edge->relation, edge->column}, text);
}

bool is_to_be_reported(const LoopSubject &subject, const LookupReport &report) {
    return report.confidence != Confidence::none && (!subject.is_call || report.edge >= 0);
}

void report(const LoopSubject &subject, const RepeatedLookup &lookup, const LookupReport &report,
            std::span<const int> backends, finding_table::Handle *handle, const Described *described) {
    if (!is_to_be_reported(subject, report))
        return;
    const LookupEdge *edge = report.edge < 0 ? nullptr : &lookup.edges[static_cast<size_t>(report.edge)];
    const FindingKey key = key_of(subject, edge, report);
    // Hashes of several keys together say nothing about one,
    // and with very many keys the first are known already.
    const bool has_keys = subject.key_count == 1 && report.distinct <= 2 * RepeatedLookup::exact_keys;
    const std::span<const uint64> keys = has_keys ? std::span<const uint64>(lookup.keys) : std::span<const uint64>();
    char call_site[sizeof(FindingText::call_site)];
    if (subject.unit_id != 0)
        take_call_site(subject.comment, call_site, sizeof(call_site));
    const FindingGrowth growth{
        report.confidence, report.growth, report.loop, report.distinct,
        report.is_first,   keys,          backends,    {subject.unit_id, subject.unit_name, call_site}};
    if (!finding_table::grow(key, handle, growth)) {
        FindingText text;
        if (described && memcmp(&described->key, &key, sizeof(FindingKey)) == 0)
            text = described->text;
        else
            describe(subject, edge, &text);
        finding_table::add(key, parent_of(subject, edge), text, handle);
        finding_table::grow(key, handle, growth);
    }
}

} // namespace dbperf::n_plus_one::loop_finding
