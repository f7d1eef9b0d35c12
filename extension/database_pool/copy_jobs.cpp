#include "core/pg.h"

#include "database_pool/copy_jobs.h"

#include <algorithm>

#include "core/settings.h"
#include "database_pool/registry.h"

namespace dbperf::database_pool::copy_jobs {
using namespace core;

namespace {

constexpr long calm_before_drops = 1000; // ms

double seconds(TimestampTz time) {
    return static_cast<double>(time) / 1e6;
}

bool is_calm() {
    return TimestampDifferenceExceeds(registry->active_at, GetCurrentTimestamp(), calm_before_drops);
}

bool is_forgotten(const Template &each) {
    return TimestampDifferenceExceeds(each.used_at, GetCurrentTimestamp(), settings::test_database_idle * 1000);
}

PoolState pool_of(const Template &each) {
    PoolState pool{};
    for (const Copy &copy : registry->copies)
        if (copy.state != CopyState::free && is_of(copy, each))
            pool.ready += copy.state == CopyState::ready || copy.state == CopyState::creating;
    const double *times = each.copy_times;
    pool.waiting = each.waiting;
    pool.demand = each.demand.per_second(seconds(GetCurrentTimestamp()));
    pool.copy_time = times[0] == 0 || times[1] == 0 ? std::max(times[0], times[1]) : std::min(times[0], times[1]);
    pool.in_all = count_in_pool();
    pool.most = static_cast<uint32>(settings::max_test_databases);
    pool.copy_size = each.size;
    pool.size_in_all = size_in_all();
    pool.max_size = static_cast<uint64>(settings::test_database_space) << 20;
    return pool;
}

// With the lock held: a template that lacks copies, those first for whose copies somebody waits.
Template *template_to_copy() {
    Template *chosen = nullptr;
    for (Template &each : registry->templates) {
        if (each.state != TemplateState::ready || registry->collect_all || (each.waiting == 0 && is_forgotten(each)) ||
            copies_to_make(pool_of(each)) == 0)
            continue;
        if (!chosen || (chosen->waiting == 0 && each.waiting > 0))
            chosen = &each;
    }
    return chosen;
}

bool is_unused_leftover(const Template &each) {
    const bool gone = each.state == TemplateState::retired ||
                      (each.state == TemplateState::ready && each.waiting == 0 && is_forgotten(each));
    return gone && each.next_drop <= GetCurrentTimestamp() && count_copies(each) == 0;
}

bool room_is_wanted() {
    const bool is_full = count_in_pool() >= static_cast<uint32>(settings::max_test_databases);
    const uint64 size = size_in_all();
    const uint64 max_size = static_cast<uint64>(settings::test_database_space) << 20;
    return std::any_of(registry->templates.begin(), registry->templates.end(), [=](const Template &each) {
        return each.waiting > pool_of(each).ready && (is_full || size + each.size > max_size);
    });
}

bool is_free_of_sessions(Oid database) {
    return !OidIsValid(database) || CountDBBackends(database) == 0;
}

Job find_copy_in(CopyState state, Task task) {
    for (size_t i = 0; i < registry->copies.size(); ++i)
        if (registry->copies[i].state == state && is_free_of_sessions(registry->copies[i].database))
            return {task, static_cast<int>(i)};
    return {Task::none, 0};
}

// One that could not be dropped waits by itself; the others go on.
Job find_copy_to_drop() {
    const TimestampTz now = GetCurrentTimestamp();
    for (size_t i = 0; i < registry->copies.size(); ++i) {
        const Copy &copy = registry->copies[i];
        if (copy.state == CopyState::dropping && copy.next_drop <= now && is_free_of_sessions(copy.database))
            return {Task::drop_copy, static_cast<int>(i)};
    }
    return {Task::none, 0};
}

// Those beyond their number, the oldest first, and one more when its room is wanted and nothing else gives any. Never
// one that somebody looks at.
void give_up_kept() {
    for (;;) {
        int kept = 0;
        bool room_comes = false;
        Copy *oldest = nullptr;
        for (Copy &copy : registry->copies) {
            kept += copy.state == CopyState::kept;
            if ((copy.state != CopyState::kept && copy.state != CopyState::dropping) ||
                !is_free_of_sessions(copy.database))
                continue;
            room_comes = room_comes || (copy.state == CopyState::dropping && !is_stuck(copy));
            if (copy.state == CopyState::kept && (!oldest || copy.since < oldest->since))
                oldest = &copy;
        }
        if (!oldest ||
            (!registry->collect_kept && kept <= settings::max_kept_databases && (room_comes || !room_is_wanted())))
            return;
        advance(&oldest->state, CopyEvent::unusable);
    }
}

} // namespace

Job next() {
    if (!registry->collected)
        return {Task::collect, 0};
    for (size_t i = 0; i < registry->templates.size(); ++i)
        if (registry->templates[i].state == TemplateState::wanted)
            return {Task::prepare, static_cast<int>(i)};
    if (const Job job = find_copy_in(CopyState::ending, Task::recycle); job.task != Task::none)
        return job;
    const Template *wanting = template_to_copy();
    if (wanting)
        return {Task::copy, static_cast<int>(wanting - registry->templates.data())};
    for (Copy &copy : registry->copies)
        if (copy.state == CopyState::ready && (registry->collect_all || is_forgotten(template_of(copy))))
            advance(&copy.state, CopyEvent::unusable);
    if (registry->collect_all)
        for (Template &each : registry->templates)
            if (each.state == TemplateState::ready)
                each.state = TemplateState::retired;
    give_up_kept();
    if (!is_calm() && !registry->collect_all && !room_is_wanted())
        return {Task::none, 0};
    if (const Job job = find_copy_to_drop(); job.task != Task::none)
        return job;
    for (size_t i = 0; i < registry->templates.size(); ++i)
        if (is_unused_leftover(registry->templates[i]))
            return {Task::drop_template, static_cast<int>(i)};
    registry->collect_all = registry->collect_kept = false;
    return {Task::none, 0};
}

} // namespace dbperf::database_pool::copy_jobs
