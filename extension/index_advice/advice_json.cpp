// Advice as JSON: what to create, what it would do for whom, and why others have nothing.
#include "core/pg.h"

#include <algorithm>

#include "index_advice/advice.h"
#include "index_advice/relation_use.h"

namespace dbperf::index_advice::advice {
namespace {

struct Planned {
    const AdvisedStatement *statement;
    double cost; // with all that was chosen
    List *used;
    List *present;
};

double saved_part(const Planned &planned) {
    return planned.statement->cost > 0 ? 1 - planned.cost / planned.statement->cost : 0;
}

void append_member(StringInfo json, const char *comma, const char *key, const char *value) {
    appendStringInfo(json, "%s\"%s\": ", comma, key);
    if (value)
        escape_json(json, value);
    else
        appendStringInfoString(json, "null");
}

// CONCURRENTLY is for tables that have rows of their own: partitions get theirs one by one.
void append_ddl(StringInfo json, const IndexShape &shape, const char *name, List **taken) {
    StringInfoData ddl;
    initStringInfo(&ddl);
    const char *definition = index_shape::definition_of(shape);
    const char *space = get_namespace_name(get_rel_namespace(shape.relation));
    if (get_rel_relkind(shape.relation) != RELKIND_PARTITIONED_TABLE) {
        appendStringInfo(&ddl, "CREATE INDEX CONCURRENTLY %s ON %s", quote_identifier(name), definition);
        append_member(json, ", ", "ddl", ddl.data);
    } else {
        appendStringInfo(&ddl, "CREATE INDEX %s ON ONLY %s", quote_identifier(name), definition);
        const List *parts = find_all_inheritors(shape.relation, AccessShareLock, nullptr);
        for (int i = 0; i < list_length(parts); ++i) {
            const Oid part = list_nth_oid(parts, i);
            if (get_rel_relkind(part) != RELKIND_RELATION)
                continue;
            IndexShape own = shape;
            if (!index_shape::of_partition(&own, part))
                continue;
            char *own_name = index_shape::name_for(own, *taken);
            *taken = lappend(*taken, own_name);
            appendStringInfo(&ddl, ";\nCREATE INDEX CONCURRENTLY %s ON %s", quote_identifier(own_name),
                             index_shape::definition_of(own));
            appendStringInfo(&ddl, ";\nALTER INDEX %s ATTACH PARTITION %s", quote_qualified_identifier(space, name),
                             quote_qualified_identifier(get_namespace_name(get_rel_namespace(part)), own_name));
        }
        append_member(json, ", ", "ddl", ddl.data);
    }
    append_member(json, ", ", "build", psprintf("CREATE INDEX %s ON %s", quote_identifier(name), definition));
}

// Each name once, with what all of its parameter sets cost.
void append_queries(StringInfo json, const List *planned, const IndexShape *shape) {
    appendStringInfoString(json, ", \"queries\": [");
    const char *comma = "{";
    for (int i = 0; i < list_length(planned); ++i) {
        const auto *first = static_cast<const Planned *>(list_nth(planned, i));
        double before = 0;
        double after = 0;
        double calls = 0;
        bool uses = false;
        bool is_first = true;
        for (int k = 0; k < list_length(planned); ++k) {
            const auto *each = static_cast<const Planned *>(list_nth(planned, k));
            if (strcmp(each->statement->name, first->statement->name) != 0)
                continue;
            is_first = is_first && k >= i;
            uses = uses || list_member_ptr(each->used, const_cast<IndexShape *>(shape));
            before += each->statement->calls * each->statement->cost;
            after += each->statement->calls * each->cost;
            calls += each->statement->calls;
        }
        if (!is_first || !uses || after >= before)
            continue;
        append_member(json, comma, "query", first->statement->name);
        appendStringInfo(json, ", \"calls\": %.0f, \"cost_before\": %.2f, \"cost_after\": %.2f}", calls,
                         before / std::max(1.0, calls), after / std::max(1.0, calls));
        comma = ", {";
    }
    appendStringInfoChar(json, ']');
}

void append_writes(StringInfo json, const Advice &advice, const IndexShape &shape) {
    appendStringInfoString(json, ", \"writes\": [");
    const char *comma = "{";
    for (int i = 0; i < list_length(advice.statements); ++i) {
        const auto *statement = static_cast<const AdvisedStatement *>(list_nth(advice.statements, i));
        const double ms = write_ms(*statement, shape);
        if (ms <= 0)
            continue;
        append_member(json, comma, "query", statement->name);
        appendStringInfo(json, ", \"calls\": %.0f, \"rows\": %.0f, \"estimated_ms\": %.4f, \"loses_hot\": %s}",
                         statement->calls, std::max(1.0, statement->written_rows), ms / std::max(1.0, statement->calls),
                         statement->command == CMD_INSERT ? "false" : "true");
        comma = ", {";
    }
    appendStringInfoChar(json, ']');
}

const char *table_name(Oid relation) {
    return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
}

// Why a statement gets nothing; null: it does, or needs nothing.
const char *reason_of(Advice *advice, const List *all, const Planned &planned, const char **detail) {
    const AdvisedStatement &statement = *planned.statement;
    *detail = nullptr;
    if (statement.uses == NIL)
        return nullptr;
    for (int i = 0; i < list_length(all); ++i) {
        const auto *each = static_cast<const Planned *>(list_nth(all, i));
        if (strcmp(each->statement->name, statement.name) == 0 && saved_part(*each) >= 0.2)
            return nullptr;
    }
    bool all_small = true;
    bool any_condition = false;
    for (int i = 0; i < list_length(statement.uses); ++i) {
        const auto *use = static_cast<const RelationUse *>(list_nth(statement.uses, i));
        all_small = all_small && candidates::facts_of(&advice->set, use->relation)->is_small;
        any_condition =
            any_condition || use->equal || use->lists || use->ranges || use->others || use->orders || use->groups;
    }
    if (all_small) {
        *detail = "its tables fit a few pages";
        return "small_table";
    }
    if (statement.needs_trigrams) {
        *detail = "the pattern needs an index of trigrams: CREATE EXTENSION pg_trgm";
        return "extension_needed";
    }
    if (statement.shapes == NIL && statement.covered_by) {
        *detail = psprintf("index %s serves it", quote_identifier(statement.covered_by));
        return "covered";
    }
    if (!any_condition) {
        *detail = "it has no condition or order that an index knows";
        return "no_condition";
    }
    if (statement.shapes == NIL) {
        *detail = "no condition is one that an index finds rows by, as it is written";
        return "rewrite";
    }
    // What it could have had, if somebody else did not pay for it.
    ++advice->planned;
    const auto count = static_cast<size_t>(list_length(statement.shapes));
    auto **shapes = static_cast<const IndexShape **>(palloc(sizeof(IndexShape *) * (count + 1)));
    for (size_t i = 0; i < count; ++i)
        shapes[i] = static_cast<const IndexShape *>(list_nth(statement.shapes, static_cast<int>(i)));
    const what_if::Outcome best = advised_statement::plan(const_cast<AdvisedStatement *>(&statement), {shapes, count});
    if (best.cost >= 0 && best.cost < 0.8 * statement.cost) {
        *detail = "what it would gain is less than what writes would pay, or than what fits";
        return "writes_outweigh";
    }
    if (statement.present != NIL && statement.covered_by) {
        *detail = psprintf("index %s serves it", quote_identifier(statement.covered_by));
        return "covered";
    }
    *detail = "the planner expects no index to save a fifth of it";
    return "selects_much";
}

void append_statement(StringInfo json, Advice *advice, const List *all, const AdvisedStatement &statement,
                      const Planned *planned) {
    append_member(json, "{", "query", statement.name);
    if (!planned) {
        append_member(json, ", ", "reason", "left_out");
        append_member(json, ", ", "detail", statement.failure);
    } else {
        const char *detail;
        const char *reason = reason_of(advice, all, *planned, &detail);
        appendStringInfo(json, ", \"cost_before\": %.2f, \"cost_after\": %.2f", statement.cost, planned->cost);
        append_member(json, ", ", "reason", reason);
        append_member(json, ", ", "detail", detail);
    }
    appendStringInfoChar(json, '}');
}

// OIDs of present indexes that plans have, with and without those that were chosen, and of tables that are read.
void append_used(StringInfo json, const List *planned) {
    List *indexes = NIL;
    List *tables = NIL;
    for (int i = 0; i < list_length(planned); ++i) {
        const auto *each = static_cast<const Planned *>(list_nth(planned, i));
        indexes = list_concat_unique_oid(indexes, each->present);
        indexes = list_concat_unique_oid(indexes, each->statement->present);
        for (int k = 0; k < list_length(each->statement->uses); ++k)
            tables = list_append_unique_oid(
                tables, static_cast<const RelationUse *>(list_nth(each->statement->uses, k))->relation);
    }
    const auto append = [json](const char *key, const List *oids) {
        appendStringInfo(json, "], \"%s\": [", key);
        for (int i = 0; i < list_length(oids); ++i)
            appendStringInfo(json, "%s%u", i == 0 ? "" : ", ", list_nth_oid(oids, i));
    };
    append("used_indexes", indexes);
    append("tables", tables);
    appendStringInfoChar(json, ']');
}

List *plan_all(Advice *advice) {
    List *all = NIL;
    for (int i = 0; i < list_length(advice->statements); ++i) {
        auto *statement = static_cast<AdvisedStatement *>(list_nth(advice->statements, i));
        if (statement->failure)
            continue;
        ++advice->planned;
        const what_if::Outcome outcome = with_chosen(advice, statement);
        auto *planned = static_cast<Planned *>(palloc(sizeof(Planned)));
        *planned = {statement, outcome.cost < 0 ? statement->cost : outcome.cost, outcome.used, outcome.present};
        all = lappend(all, planned);
    }
    return all;
}

} // namespace

void append(StringInfo json, Advice *advice) {
    const List *planned = plan_all(advice);
    List *taken = NIL;
    appendStringInfoString(json, "{\"indexes\": [");
    for (int i = 0; i < list_length(advice->chosen); ++i) {
        const auto *chosen = static_cast<const Chosen *>(list_nth(advice->chosen, i));
        char *name = index_shape::name_for(*chosen->shape, taken);
        taken = lappend(taken, name);
        append_member(json, i == 0 ? "{" : ", {", "name", name);
        append_member(json, ", ", "table", table_name(chosen->shape->relation));
        append_ddl(json, *chosen->shape, name, &taken);
        appendStringInfo(json, ", \"size_bytes\": %.0f, \"estimated_write_ms\": %.4f", chosen->bytes, chosen->write_ms);
        append_queries(json, planned, chosen->shape);
        append_writes(json, *advice, *chosen->shape);
        appendStringInfoChar(json, '}');
    }
    appendStringInfoString(json, "], \"statements\": [");
    const char *comma = "";
    for (int i = 0, next = 0; i < list_length(advice->statements); ++i) {
        const auto *statement = static_cast<const AdvisedStatement *>(list_nth(advice->statements, i));
        const Planned *own = nullptr;
        if (!statement->failure)
            own = static_cast<const Planned *>(list_nth(planned, next++));
        if (statement->is_implied)
            continue;
        appendStringInfoString(json, comma);
        append_statement(json, advice, planned, *statement, own);
        comma = ", ";
    }
    append_used(json, planned);
    appendStringInfo(json, ", \"what_if_calls\": %d}", advice->planned);
}

} // namespace dbperf::index_advice::advice
