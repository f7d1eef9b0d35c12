#include "reports/deadlock_story.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "base/json_value.h"

namespace dbperf::client::reports {
using namespace base;
using namespace postgres;

namespace {

bool is_true(const nlohmann::json &object, const char *name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

int member_number(const nlohmann::json &object, const char *name) {
    const auto found = object.find(name);
    return found == object.end() || !found->is_number_integer() ? 0 : found->get<int>();
}

void load_members(Connection &results, DeadlockStory &story) {
    const Result rows =
        results.execute("SELECT pid, role, application_name, waits_for, wait_mode, victim, dropped_steps"
                        " FROM dbperf.deadlock_members WHERE deadlock_id = $1::bigint ORDER BY member",
                        {story.id});
    for (int row = 0; row < rows.rows(); ++row) {
        DeadlockMember member;
        member.name = fmt::format("session {}, role {}", rows.text(row, "pid"), rows.text(row, "role"));
        if (const std::string application = rows.text(row, "application_name"); !application.empty())
            member.name += ", " + application;
        member.waits_for = rows.text(row, "waits_for");
        member.wait_mode = rows.text(row, "wait_mode");
        member.next = (row + 1) % rows.rows() + 1;
        member.victim = rows.boolean(row, "victim");
        member.dropped_steps = rows.integer(row, "dropped_steps");
        story.members.push_back(std::move(member));
    }
}

// Every session's times begin with its own first statement; they end together, with the deadlock.
void load_steps(Connection &results, DeadlockStory &story) {
    const Result rows = results.execute(
        "SELECT member, step, level, query, relation, row_key, mode, waited_ms, blocks_pid, evidence, closed_cycle,"
        " released, start_ms - max(start_ms + waited_ms) OVER (PARTITION BY pid) AS at_ms"
        " FROM dbperf.deadlock_steps WHERE deadlock_id = $1::bigint ORDER BY at_ms, member, step",
        {story.id});
    for (int row = 0; row < rows.rows(); ++row) {
        DeadlockStep step;
        step.member = static_cast<int>(rows.integer(row, "member"));
        step.number = static_cast<int>(rows.integer(row, "step"));
        step.level = static_cast<int>(rows.integer(row, "level"));
        step.query = rows.text(row, "query");
        step.lock = rows.text(row, "relation");
        if (const std::string key = rows.text(row, "row_key"); !key.empty())
            step.lock += (step.lock.empty() ? "(" : " (") + key + ")";
        step.mode = rows.text(row, "mode");
        step.waited_ms = rows.number(row, "waited_ms");
        step.waits = step.waited_ms.has_value();
        step.holds = !rows.is_null(row, "blocks_pid");
        step.likely = rows.text(row, "evidence") == "likely";
        step.closed_cycle = rows.boolean(row, "closed_cycle");
        step.released = rows.boolean(row, "released");
        step.at_ms = rows.number(row, "at_ms");
        if (step.at_ms)
            step.at_ms = std::min(*step.at_ms, 0.0);
        story.steps.push_back(std::move(step));
    }
}

} // namespace

std::vector<DeadlockStory> load_deadlocks(Connection &results, const std::string &run_id, int most) {
    const Result rows = results.execute(
        "SELECT d.deadlock_id, d.database, d.kind, d.advice, d.detection_ms, d.lost_ms, d.lost_rows, d.lost_wal_bytes,"
        " d.bystanders, d.incomplete, to_char(d.happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS "
        "at,"
        " (SELECT max(b.waited_ms) FROM dbperf.deadlock_bystanders b WHERE b.deadlock_id = d.deadlock_id) AS longest"
        " FROM dbperf.deadlocks d WHERE d.run_id = $1::uuid ORDER BY d.happened_at DESC LIMIT $2::integer",
        {run_id, std::to_string(most)});
    std::vector<DeadlockStory> stories;
    for (int row = 0; row < rows.rows(); ++row) {
        DeadlockStory story;
        story.happened = true;
        story.id = rows.text(row, "deadlock_id");
        story.database = rows.text(row, "database");
        story.at = rows.text(row, "at");
        story.kind = rows.text(row, "kind");
        story.advice = rows.text(row, "advice");
        story.detection_ms = rows.number(row, "detection_ms").value_or(0);
        story.lost_ms = rows.number(row, "lost_ms").value_or(0);
        story.lost_rows = rows.integer(row, "lost_rows");
        story.lost_wal_bytes = rows.integer(row, "lost_wal_bytes");
        story.bystanders = rows.integer(row, "bystanders");
        story.longest_bystander_ms = rows.number(row, "longest").value_or(0);
        story.incomplete = rows.boolean(row, "incomplete");
        load_members(results, story);
        load_steps(results, story);
        stories.push_back(std::move(story));
    }
    return stories;
}

std::vector<DeadlockStep> parse_cycle_steps(const std::string &json) {
    std::vector<DeadlockStep> steps;
    const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
    if (!parsed.is_array())
        return steps;
    for (const nlohmann::json &object : parsed) {
        if (!object.is_object())
            continue;
        DeadlockStep step;
        step.member = member_number(object, "member");
        step.number = member_number(object, "statement");
        step.query = member_text(object, "query");
        step.lock = member_text(object, "target");
        step.mode = member_text(object, "mode");
        const std::string role = member_text(object, "role");
        step.holds = role == "holds";
        step.waits = role == "requests";
        step.released = is_true(object, "given_back");
        steps.push_back(std::move(step));
    }
    return steps;
}

std::vector<DeadlockStory> load_predicted_deadlocks(Connection &results, const std::string &run_id, int most) {
    const Result rows = results.execute(
        "SELECT database, cycle_id, confidence, status, outcome, description, members, steps FROM dbperf.lock_cycles"
        " WHERE run_id = $1::uuid"
        " ORDER BY status <> 'confirmed', confidence <> 'proven', database, description, cycle_id LIMIT $2::integer",
        {run_id, std::to_string(most)});
    std::vector<DeadlockStory> stories;
    for (int row = 0; row < rows.rows(); ++row) {
        DeadlockStory story;
        story.id = rows.text(row, "cycle_id");
        story.database = rows.text(row, "database");
        story.confidence = rows.text(row, "confidence");
        story.status = rows.text(row, "status");
        story.outcome = rows.text(row, "outcome");
        story.description = rows.text(row, "description");
        story.steps = parse_cycle_steps(rows.text(row, "steps"));
        // As it would happen: first everybody takes what it holds, then all request.
        std::stable_partition(story.steps.begin(), story.steps.end(),
                              [](const DeadlockStep &step) { return !step.waits; });
        const int members = static_cast<int>(rows.integer(row, "members"));
        for (int number = 1; number <= members; ++number) {
            DeadlockMember member;
            member.name = fmt::format("transaction {}", number);
            member.next = number % members + 1;
            for (const DeadlockStep &step : story.steps)
                if (step.member == number && step.waits) {
                    member.waits_for = step.lock;
                    member.wait_mode = step.mode;
                }
            story.members.push_back(std::move(member));
        }
        stories.push_back(std::move(story));
    }
    return stories;
}

} // namespace dbperf::client::reports
