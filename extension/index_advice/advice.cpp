#include "core/pg.h"

#include "index_advice/advice.h"

#include <algorithm>

#include "core/guard.h"
#include "index_advice/implied_statement.h"
#include "index_advice/relation_use.h"
#include "index_advice/selection.h"

namespace dbperf::index_advice::advice {
using namespace core;

namespace {

constexpr int rounds = 4;            // of runners-up, for each statement
constexpr int max_planned = 40000;   // then the best so far is the answer
constexpr double worth_a_look = 0.9; // of the cost without
constexpr double ms_of_cost = 0.01;  // where nobody measured
// One entry of an index, and what an update loses besides when it can't stay on its page.
constexpr double entry_ms = 0.006;
constexpr double lost_hot_ms = 0.006;
constexpr int max_candidates = 2000;
constexpr int max_group = 4;

struct KnownCost {
    const Bitmapset *shapes;
    double cost;
};

// The candidates that were used by a plan.
struct Survivors {
    Advice *advice;
    List *shapes;
    List *groups; // of lists of those that one plan used
};

bool is_of_table(const AdvisedStatement &statement, Oid relation) {
    for (int i = 0; i < list_length(statement.uses); ++i)
        if (static_cast<const RelationUse *>(list_nth(statement.uses, i))->relation == relation)
            return true;
    return false;
}

double ms_per_cost(const AdvisedStatement &statement) {
    return statement.ms > 0 && statement.cost > 0 ? statement.ms / statement.cost : ms_of_cost;
}

void find_candidates(Advice *advice, AdvisedStatement *statement) {
    advised_statement::as_its_role(statement, [=] {
        for (int i = 0; i < list_length(statement->queries); ++i)
            statement->uses = list_concat(
                statement->uses, relation_use::of(static_cast<const Query *>(list_nth(statement->queries, i))));
        for (int i = 0; i < list_length(statement->uses); ++i) {
            CHECK_FOR_INTERRUPTS();
            const auto *use = static_cast<const RelationUse *>(list_nth(statement->uses, i));
            statement->shapes =
                list_concat_unique_ptr(statement->shapes, candidates::of(&advice->set, *use, &statement->covered_by));
            statement->needs_trigrams = statement->needs_trigrams || candidates::needs_trigrams(advice->set, *use);
        }
    });
}

std::span<const IndexShape *const> span_of(const List *shapes) {
    auto **all =
        static_cast<const IndexShape **>(palloc(sizeof(IndexShape *) * static_cast<size_t>(list_length(shapes) + 1)));
    for (int i = 0; i < list_length(shapes); ++i)
        all[i] = static_cast<const IndexShape *>(list_nth(shapes, i));
    return {all, static_cast<size_t>(list_length(shapes))};
}

// Those that the planner takes, then those that it takes instead of them.
void keep_used(Survivors *survivors, AdvisedStatement *statement) {
    List *left = list_copy(statement->shapes);
    for (int round = 0; round < rounds && left != NIL; ++round) {
        CHECK_FOR_INTERRUPTS();
        ++survivors->advice->planned;
        const what_if::Outcome outcome = advised_statement::plan(statement, span_of(left));
        if (outcome.cost < 0 || outcome.used == NIL || outcome.cost > worth_a_look * statement->cost)
            return;
        survivors->shapes = list_concat_unique_ptr(survivors->shapes, outcome.used);
        if (list_length(outcome.used) > 1 && list_length(outcome.used) <= max_group)
            survivors->groups = lappend(survivors->groups, outcome.used);
        left = list_difference_ptr(left, outcome.used);
    }
}

// Beside what the planner takes: the same with the order that the statement asks for.
void add_ordered(Survivors *survivors, const AdvisedStatement &statement) {
    const int count = list_length(survivors->shapes);
    for (int i = 0; i < list_length(statement.shapes); ++i) {
        auto *shape = static_cast<IndexShape *>(list_nth(statement.shapes, i));
        if (!shape->is_ordered || shape->included_count > 0)
            continue;
        for (int k = 0; k < count; ++k)
            if (index_shape::orders(*shape, *static_cast<const IndexShape *>(list_nth(survivors->shapes, k)))) {
                survivors->shapes = list_append_unique_ptr(survivors->shapes, shape);
                break;
            }
    }
}

void add_merged(Survivors *survivors) {
    const int count = std::min(list_length(survivors->shapes), 300);
    for (int i = 0; i < count; ++i)
        for (int k = 0; k < count; ++k) {
            CHECK_FOR_INTERRUPTS();
            IndexShape merged{};
            char *covered_by = nullptr;
            if (i == k || !candidates::merge(*static_cast<const IndexShape *>(list_nth(survivors->shapes, i)),
                                             *static_cast<const IndexShape *>(list_nth(survivors->shapes, k)), &merged))
                continue;
            if (IndexShape *entered = candidates::enter(&survivors->advice->set, merged, &covered_by))
                survivors->shapes = list_append_unique_ptr(survivors->shapes, entered);
        }
}

// What the chooser asks.
struct Oracle {
    Advice *advice;
    std::span<AdvisedStatement *const> statements;
    std::span<const IndexShape *const> shapes;
};

double cost_of(void *context, size_t number, std::span<const uint32_t> chosen) {
    const auto *oracle = static_cast<const Oracle *>(context);
    AdvisedStatement *statement = oracle->statements[number];
    Bitmapset *relevant = nullptr;
    for (const uint32_t each : chosen)
        if (is_of_table(*statement, oracle->shapes[each]->relation))
            relevant = bms_add_member(relevant, static_cast<int>(each));
    const double factor = statement->calls * ms_per_cost(*statement);
    if (!relevant)
        return statement->cost * factor;
    for (int i = 0; i < list_length(statement->known); ++i) {
        const auto *known = static_cast<const KnownCost *>(list_nth(statement->known, i));
        if (bms_equal(known->shapes, relevant))
            return known->cost * factor;
    }
    CHECK_FOR_INTERRUPTS();
    if (oracle->advice->planned >= max_planned)
        return -1;
    ++oracle->advice->planned;
    List *visible = NIL;
    for (int member = -1; (member = bms_next_member(relevant, member)) >= 0;)
        visible = lappend(visible, const_cast<IndexShape *>(oracle->shapes[static_cast<size_t>(member)]));
    const what_if::Outcome outcome = advised_statement::plan(statement, span_of(visible));
    auto *known = static_cast<KnownCost *>(palloc(sizeof(KnownCost)));
    *known = {relevant, outcome.cost < 0 ? statement->cost : outcome.cost};
    statement->known = lappend(statement->known, known);
    return known->cost * factor;
}

bool may_use(void *context, size_t number, uint32_t candidate) {
    const auto *oracle = static_cast<const Oracle *>(context);
    return is_of_table(*oracle->statements[number], oracle->shapes[candidate]->relation);
}

bool orders(void *context, uint32_t wide, uint32_t narrow) {
    const auto *oracle = static_cast<const Oracle *>(context);
    return index_shape::orders(*oracle->shapes[wide], *oracle->shapes[narrow]);
}

template <typename T>
std::span<T> zeroed(size_t count) {
    return {static_cast<T *>(palloc0(sizeof(T) * (count + 1))), count};
}

double bytes_of(Advice *advice, const IndexShape &shape) {
    const TableFacts *facts = candidates::facts_of(&advice->set, shape.relation);
    return index_size::of(shape, shape.relation, facts->rows).pages * BLCKSZ;
}

double all_write_ms(const Advice &advice, const IndexShape &shape) {
    double all = 0;
    for (int i = 0; i < list_length(advice.statements); ++i)
        all += write_ms(*static_cast<const AdvisedStatement *>(list_nth(advice.statements, i)), shape);
    return all;
}

// The groups as numbers of candidates.
std::span<const std::span<const uint32_t>> groups_of(const Survivors &survivors, const Oracle &oracle) {
    const auto count = static_cast<size_t>(list_length(survivors.groups));
    const std::span<std::span<const uint32_t>> groups = zeroed<std::span<const uint32_t>>(count);
    for (size_t i = 0; i < count; ++i) {
        const auto *shapes = static_cast<const List *>(list_nth(survivors.groups, static_cast<int>(i)));
        const std::span<uint32_t> numbers = zeroed<uint32_t>(static_cast<size_t>(list_length(shapes)));
        for (size_t k = 0; k < numbers.size(); ++k) {
            const void *shape = list_nth(shapes, static_cast<int>(k));
            const auto at = std::find(oracle.shapes.begin(), oracle.shapes.end(), shape);
            numbers[k] = static_cast<uint32_t>(at - oracle.shapes.begin());
        }
        groups[i] = numbers;
    }
    return groups;
}

void choose(Advice *advice, const Survivors &survivors, int max_indexes, double max_bytes) {
    const List *shapes = survivors.shapes;
    List *planned = NIL;
    for (int i = 0; i < list_length(advice->statements); ++i) {
        auto *statement = static_cast<AdvisedStatement *>(list_nth(advice->statements, i));
        if (!statement->failure)
            planned = lappend(planned, statement);
    }
    auto **statements = static_cast<AdvisedStatement **>(
        palloc(sizeof(AdvisedStatement *) * static_cast<size_t>(list_length(planned) + 1)));
    for (int i = 0; i < list_length(planned); ++i)
        statements[i] = static_cast<AdvisedStatement *>(list_nth(planned, i));
    Oracle oracle{advice, {statements, static_cast<size_t>(list_length(planned))}, span_of(shapes)};
    const size_t count = oracle.shapes.size();
    const std::span<selection::Candidate> all = zeroed<selection::Candidate>(count);
    for (size_t i = 0; i < count; ++i)
        all[i] = {oracle.shapes[i]->relation, bytes_of(advice, *oracle.shapes[i]),
                  all_write_ms(*advice, *oracle.shapes[i]), oracle.shapes[i]->predicate != NIL};
    const selection::Memory memory{zeroed<uint32_t>(count),
                                   zeroed<uint32_t>(count + 1),
                                   zeroed<double>(count),
                                   zeroed<bool>(count),
                                   zeroed<double>(oracle.statements.size()),
                                   zeroed<uint32_t>(count)};
    const size_t most = max_indexes < 0 ? count : std::min(count, static_cast<size_t>(max_indexes));
    const selection::Problem problem{all,      oracle.statements.size(),     cost_of, may_use,
                                     orders,   groups_of(survivors, oracle), &oracle, most,
                                     max_bytes};
    const size_t chosen = selection::choose(problem, memory);
    for (size_t i = 0; i < chosen; ++i) {
        auto *one = static_cast<Chosen *>(palloc(sizeof(Chosen)));
        const uint32_t number = memory.chosen[i];
        *one = {oracle.shapes[number], all[number].bytes, all[number].write_ms};
        advice->chosen = lappend(advice->chosen, one);
    }
}

} // namespace

double write_ms(const AdvisedStatement &statement, const IndexShape &shape) {
    if (statement.failure || statement.written != shape.relation)
        return 0;
    const double rows = std::max(1.0, statement.written_rows) * statement.calls * shape.fraction;
    switch (statement.command) {
    case CMD_INSERT:
        return rows * entry_ms;
    case CMD_UPDATE:
        return bms_overlap(statement.assigned, index_shape::columns_of(shape)) ? rows * (entry_ms + lost_hot_ms) : 0;
    case CMD_MERGE:
        return rows * (entry_ms + lost_hot_ms);
    default:
        return 0;
    }
}

what_if::Outcome with_chosen(Advice *advice, AdvisedStatement *statement) {
    List *visible = NIL;
    for (int i = 0; i < list_length(advice->chosen); ++i)
        visible =
            lappend(visible, const_cast<IndexShape *>(static_cast<const Chosen *>(list_nth(advice->chosen, i))->shape));
    return advised_statement::plan(statement, span_of(visible));
}

void give(Advice *advice, int max_indexes, double max_bytes) {
    advice->set.last_oid = UINT32_MAX - 100;
    const int given = list_length(advice->statements);
    for (int i = 0; i < given; ++i) {
        CHECK_FOR_INTERRUPTS();
        auto *statement = static_cast<AdvisedStatement *>(list_nth(advice->statements, i));
        advised_statement::prepare(statement);
        ++advice->planned;
        if (statement->failure)
            continue;
        if (statement->command == CMD_UPDATE) {
            TableFacts *facts = candidates::facts_of(&advice->set, statement->written);
            facts->updated = bms_add_members(facts->updated, statement->assigned);
        }
        advice->statements = list_concat(advice->statements, implied_statement::of(*statement));
    }
    for (int i = given; i < list_length(advice->statements); ++i)
        advised_statement::prepare(static_cast<AdvisedStatement *>(list_nth(advice->statements, i)));
    Survivors survivors{advice, NIL, NIL};
    for (int i = 0; i < list_length(advice->statements); ++i) {
        auto *statement = static_cast<AdvisedStatement *>(list_nth(advice->statements, i));
        if (statement->failure)
            continue;
        find_candidates(advice, statement);
        if (list_length(survivors.shapes) < max_candidates)
            keep_used(&survivors, statement);
        add_ordered(&survivors, *statement);
    }
    add_merged(&survivors);
    choose(advice, survivors, max_indexes, max_bytes);
}

} // namespace dbperf::index_advice::advice
