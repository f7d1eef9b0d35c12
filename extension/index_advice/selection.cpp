#include "index_advice/selection.h"

#include <algorithm>

namespace dbperf::index_advice::selection {
namespace {

struct State {
    const Problem &problem;
    const Memory &memory;
    size_t count = 0; // of those chosen
    double total = 0; // of all statements, before anything was chosen

    std::span<const uint32_t> chosen() const { return memory.chosen.first(count); }
};

struct Change {
    double saved = 0;     // ms of the workload, without what writes pay
    double best_part = 0; // of one statement
    double worst_part = 0;
};

double cost_of(const State &state, size_t statement, std::span<const uint32_t> chosen) {
    const double cost = state.problem.cost(state.problem.context, statement, chosen);
    return cost < 0 ? state.memory.now[statement] : cost;
}

// From what is chosen now to the first `count` of memory.trial, for statements that one of two candidates could help.
Change change_to(const State &state, size_t count, uint32_t one, uint32_t other) {
    Change change;
    for (size_t i = 0; i < state.problem.statements; ++i) {
        if (!state.problem.may_use(state.problem.context, i, one) &&
            !state.problem.may_use(state.problem.context, i, other))
            continue;
        const double now = state.memory.now[i];
        const double then = cost_of(state, i, state.memory.trial.first(count));
        change.saved += now - then;
        if (now > 0) {
            change.best_part = std::max(change.best_part, (now - then) / now);
            change.worst_part = std::min(change.worst_part, (now - then) / now);
        }
    }
    return change;
}

void try_all_and(const State &state, uint32_t added) {
    std::copy(state.chosen().begin(), state.chosen().end(), state.memory.trial.begin());
    state.memory.trial[state.count] = added;
}

Change change_by_adding(const State &state, uint32_t added) {
    try_all_and(state, added);
    return change_to(state, state.count + 1, added, added);
}

void accept(State *state, size_t count, uint32_t one, uint32_t other) {
    for (size_t i = 0; i < state->problem.statements; ++i)
        if (state->problem.may_use(state->problem.context, i, one) ||
            state->problem.may_use(state->problem.context, i, other))
            state->memory.now[i] = cost_of(*state, i, state->memory.trial.first(count));
    std::copy_n(state->memory.trial.begin(), count, state->memory.chosen.begin());
    state->count = count;
}

double bytes_of(const State &state) {
    double bytes = 0;
    for (const uint32_t each : state.chosen())
        bytes += state.problem.candidates[each].bytes;
    return bytes;
}

bool is_chosen(const State &state, uint32_t candidate) {
    return std::find(state.chosen().begin(), state.chosen().end(), candidate) != state.chosen().end();
}

bool has_room(const State &state, uint32_t candidate) {
    return state.problem.max_bytes < 0 ||
           bytes_of(state) + state.problem.candidates[candidate].bytes <= state.problem.max_bytes;
}

double net(const State &state, uint32_t candidate, const Change &change) {
    return change.saved - state.problem.candidates[candidate].write_ms;
}

// Gains rarely grow when something else is chosen, so an old gain bounds the new one: only the first are asked again.
void grow(State *state, bool by_size) {
    constexpr size_t asked_again = 5;
    const size_t all = state->problem.candidates.size();
    const auto value = [&](uint32_t candidate) {
        const double gain = state->memory.gain[candidate];
        return by_size ? gain / std::max(1.0, state->problem.candidates[candidate].bytes) : gain;
    };
    const auto measure = [&](uint32_t candidate) {
        const Change change = change_by_adding(*state, candidate);
        const double gain = net(*state, candidate, change);
        state->memory.gain[candidate] = change.best_part >= worth_a_statement ? gain : std::min(gain, 0.0);
        state->memory.is_fresh[candidate] = true;
    };
    for (uint32_t i = 0; i < all; ++i)
        measure(i);
    while (state->count < state->problem.max_chosen) {
        uint32_t best = 0;
        for (size_t asked = 0;;) {
            bool found = false;
            for (uint32_t i = 0; i < all; ++i)
                if (state->memory.gain[i] > 0 && !is_chosen(*state, i) && has_room(*state, i) &&
                    (!found || value(i) > value(best))) {
                    best = i;
                    found = true;
                }
            if (!found)
                return;
            if (state->memory.is_fresh[best] && asked >= asked_again)
                break;
            // The best is known; others next to it may have become better.
            uint32_t next = best;
            for (uint32_t i = 0; i < all && state->memory.is_fresh[best]; ++i)
                if (!state->memory.is_fresh[i] && state->memory.gain[i] > 0 && !is_chosen(*state, i) &&
                    has_room(*state, i) && (next == best || value(i) > value(next)))
                    next = i;
            if (next == best && state->memory.is_fresh[best])
                break;
            measure(next);
            ++asked;
        }
        if (state->memory.gain[best] <= 0)
            return;
        try_all_and(*state, best);
        accept(state, state->count + 1, best, best);
        std::fill(state->memory.is_fresh.begin(), state->memory.is_fresh.end(), false);
    }
}

// Those of a group that are not chosen yet, as soon as they are worth it together.
void grow_by_groups(State *state) {
    for (const std::span<const uint32_t> group : state->problem.groups) {
        std::copy(state->chosen().begin(), state->chosen().end(), state->memory.trial.begin());
        size_t count = state->count;
        double bytes = bytes_of(*state);
        double write_ms = 0;
        for (const uint32_t each : group) {
            if (is_chosen(*state, each))
                continue;
            bytes += state->problem.candidates[each].bytes;
            write_ms += state->problem.candidates[each].write_ms;
            state->memory.trial[count++] = each;
        }
        if (count < state->count + 2 || count > state->problem.max_chosen ||
            (state->problem.max_bytes >= 0 && bytes > state->problem.max_bytes))
            continue;
        const Change change = change_to(*state, count, group.front(), group.back());
        if (change.best_part < worth_a_statement || change.saved <= write_ms)
            continue;
        accept(state, count, group.front(), group.back());
        for (size_t i = 0; i < state->problem.statements; ++i)
            state->memory.now[i] = cost_of(*state, i, state->chosen());
    }
}

// memory.trial is what is chosen without the one at that place.
void try_without(const State &state, size_t place) {
    size_t kept = 0;
    for (size_t i = 0; i < state.count; ++i)
        if (i != place)
            state.memory.trial[kept++] = state.memory.chosen[i];
}

// Lost when it is no longer there: too little to keep it for.
bool is_superfluous(const State &state, const Change &change, double spared) {
    const double lost = -change.saved - spared;
    return lost <= 0 || (lost < lost_of_all * state.total && -change.worst_part < lost_of_one);
}

void shrink(State *state) {
    for (bool again = true; again;) {
        again = false;
        for (size_t place = 0; place < state->count; ++place) {
            const uint32_t dropped = state->memory.chosen[place];
            try_without(*state, place);
            const Change change = change_to(*state, state->count - 1, dropped, dropped);
            if (!is_superfluous(*state, change, state->problem.candidates[dropped].write_ms))
                continue;
            accept(state, state->count - 1, dropped, dropped);
            again = true;
            break;
        }
    }
}

// A smaller one of the same table in its place, when little is lost by it.
void replace(State *state) {
    for (size_t place = 0; place < state->count; ++place) {
        const uint32_t present = state->memory.chosen[place];
        const Candidate &now = state->problem.candidates[present];
        uint32_t best = present;
        for (uint32_t i = 0; i < state->problem.candidates.size(); ++i) {
            const Candidate &other = state->problem.candidates[i];
            if (other.table != now.table || is_chosen(*state, i) || other.bytes > 0.95 * now.bytes ||
                other.bytes >= state->problem.candidates[best].bytes)
                continue;
            try_without(*state, place);
            state->memory.trial[state->count - 1] = i;
            const Change change = change_to(*state, state->count, present, i);
            // Of an index of few rows the planner expects scattered reads, whatever it knows of the table.
            const bool is_part = other.is_partial && !now.is_partial && other.bytes < 0.5 * now.bytes &&
                                 -change.worst_part < 0.5 && -change.saved < lost_of_all * state->total;
            if (is_part || is_superfluous(*state, change, now.write_ms - other.write_ms))
                best = i;
        }
        if (best == present)
            continue;
        try_without(*state, place);
        state->memory.trial[state->count - 1] = best;
        accept(state, state->count, present, best);
    }
}

// The same with an order that its statements ask for, where nothing is lost by that: what sorts few rows today sorts
// many for somebody else.
void order(State *state) {
    constexpr double widest = 4;
    constexpr double lost = 0.01;
    for (size_t place = 0; place < state->count; ++place) {
        const uint32_t present = state->memory.chosen[place];
        const Candidate &now = state->problem.candidates[present];
        uint32_t best = present;
        for (uint32_t i = 0; i < state->problem.candidates.size(); ++i) {
            const Candidate &other = state->problem.candidates[i];
            if (other.table != now.table || is_chosen(*state, i) ||
                !state->problem.orders(state->problem.context, i, present) || other.bytes > widest * now.bytes ||
                (best != present && other.bytes >= state->problem.candidates[best].bytes) ||
                (state->problem.max_bytes >= 0 &&
                 bytes_of(*state) - now.bytes + other.bytes > state->problem.max_bytes))
                continue;
            try_without(*state, place);
            state->memory.trial[state->count - 1] = i;
            const Change change = change_to(*state, state->count, present, i);
            if (-change.worst_part <= lost && -change.saved + other.write_ms - now.write_ms <= lost * state->total)
                best = i;
        }
        if (best == present)
            continue;
        try_without(*state, place);
        state->memory.trial[state->count - 1] = best;
        accept(state, state->count, present, best);
    }
}

double choose_by(State *state, bool by_size) {
    for (size_t i = 0; i < state->problem.statements; ++i) {
        state->memory.now[i] = 0;
        state->memory.now[i] = cost_of(*state, i, {});
        state->total += state->memory.now[i];
    }
    grow(state, by_size);
    grow_by_groups(state);
    shrink(state);
    replace(state);
    order(state);
    double left = 0;
    for (size_t i = 0; i < state->problem.statements; ++i)
        left += state->memory.now[i];
    for (const uint32_t each : state->chosen())
        left += state->problem.candidates[each].write_ms;
    return left;
}

} // namespace

size_t choose(const Problem &problem, const Memory &memory) {
    State by_gain{problem, memory};
    const double left = choose_by(&by_gain, false);
    if (problem.max_bytes < 0)
        return by_gain.count;
    // Where size binds, many small ones may do more than a few large ones.
    std::copy(by_gain.chosen().begin(), by_gain.chosen().end(), memory.kept.begin());
    State by_size{problem, memory};
    if (choose_by(&by_size, true) < left)
        return by_size.count;
    std::copy_n(memory.kept.begin(), by_gain.count, memory.chosen.begin());
    return by_gain.count;
}

} // namespace dbperf::index_advice::selection
