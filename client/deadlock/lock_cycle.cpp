#include "deadlock/lock_cycle.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json_value.h"

namespace dbperf::client::deadlock {
using namespace base;
using namespace postgres;
using namespace queries;

namespace {

ReplayMember member_of(const nlohmann::json &object) {
    ReplayMember member;
    member.search_path = member_text(object, "search_path");
    member.role = member_text(object, "run_by");
    member.isolation = member_text(object, "isolation");
    member.pause = member_text(object, "pause");
    member.gate = member_text(object, "gate");
    // Runs of earlier versions do not say it.
    member.holds = object.value("holds", member.gate.empty());
    member.migrates = object.value("migrates", false);
    member.watched = object.value("watched", member.watched);
    member.not_replayable = member_text(object, "not_replayable");
    for (const nlohmann::json &each : object.at("statements")) {
        CapturedStatement statement;
        statement.sql = member_text(each, "query");
        // What was stored by earlier versions has one role for all.
        const bool is_known = each.contains("role") && each.at("role").is_string();
        statement.role = is_known ? each.at("role").get<std::string>() : member.role;
        statement.settings.emplace_back("search_path",
                                        is_known ? member_text(each, "search_path") : member.search_path);
        if (const auto settings = each.find("settings"); settings != each.end())
            for (const auto &[name, value] : settings->items())
                statement.settings.emplace_back(name, value.get<std::string>());
        for (const nlohmann::json &type : each.at("types"))
            statement.types.push_back(type.get<std::string>());
        for (const nlohmann::json &value : each.at("values"))
            statement.values.push_back(value.is_null() ? Parameter() : Parameter(value.get<std::string>()));
        member.statements.push_back(std::move(statement));
    }
    // What a COMMIT checks, without one.
    if (object.at("by_commit").get<bool>()) {
        CapturedStatement commit = member.statements.empty() ? CapturedStatement{} : member.statements.back();
        commit.sql = "SET CONSTRAINTS ALL IMMEDIATE";
        commit.types.clear();
        commit.values.clear();
        member.statements.push_back(std::move(commit));
    }
    if (member.statements.empty() && member.not_replayable.empty())
        member.not_replayable = "nothing is known of its statements";
    return member;
}

} // namespace

std::vector<ReplayMember> parse_replay(std::string_view json) {
    std::vector<ReplayMember> members;
    for (const nlohmann::json &object : nlohmann::json::parse(json))
        members.push_back(member_of(object));
    return members;
}

std::vector<PredictedCycle> load_lock_cycles(Connection &results, std::string &label) {
    const Result run =
        label.empty()
            ? results.execute("SELECT r.label FROM dbperf.runs AS r WHERE r.state = 'finished'"
                              " AND EXISTS (SELECT FROM dbperf.lock_cycles AS c WHERE c.run_id = r.run_id)"
                              " ORDER BY r.finished_at DESC LIMIT 1")
            : results.execute("SELECT label FROM dbperf.runs WHERE state = 'finished' AND label = $1 LIMIT 1", {label});
    if (run.rows() == 0)
        throw environment_error(label.empty() ? "no finished run predicted a deadlock"
                                              : fmt::format("no finished run is labelled \"{}\"", label),
                                "make a run with dbperf.track_locks and dbperf.keep_parameters on; SELECT label FROM "
                                "dbperf.runs; shows what there is");
    label = run.text(0, "label");
    const Result rows = results.execute(
        "SELECT database, cycle_id::pg_catalog.text AS id, confidence, description, status, outcome, replay"
        " FROM dbperf.lock_cycles WHERE run_id = dbperf.find_run($1) ORDER BY database, description, cycle_id",
        {label});
    std::vector<PredictedCycle> cycles;
    for (int row = 0; row < rows.rows(); ++row)
        cycles.push_back({rows.text(row, "database"), rows.text(row, "id"), rows.text(row, "confidence"),
                          rows.text(row, "description"), rows.text(row, "status"), rows.text(row, "outcome"),
                          parse_replay(rows.text(row, "replay"))});
    return cycles;
}

} // namespace dbperf::client::deadlock
