#include "reports/json.h"

#include "base/json_value.h"
#include "compare/comparison_text.h"
#include "reports/history_text.h"
#include "run/run_report_text.h"

#include <nlohmann/json.hpp>

namespace dbperf::client::reports {
using namespace base;
using namespace run;
using namespace compare;
using namespace findings;

namespace {

// Regressions that fail have a list of their own, with both sides' figures.
nlohmann::ordered_json list_of(const CheckReport &report, Outcome outcome) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Judgement &each : report.judgements)
        if (each.outcome == outcome && !(outcome == Outcome::failed && each.kind == "regression"))
            list.push_back(judgement_json(each));
    return list;
}

nlohmann::ordered_json step_json(const DeadlockStep &step) {
    return {{"member", step.member},
            {"step", step.number},
            {"level", step.level},
            {"query", text_or_null(step.query)},
            {"lock", text_or_null(step.lock)},
            {"mode", text_or_null(step.mode)},
            {"holds", step.holds},
            {"waits", step.waits},
            {"released", step.released},
            {"closed_cycle", step.closed_cycle},
            {"likely", step.likely},
            {"at_ms", nullable(step.at_ms)},
            {"waited_ms", nullable(step.waited_ms)}};
}

nlohmann::ordered_json stories_json(const std::vector<DeadlockStory> &stories) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const DeadlockStory &each : stories)
        list.push_back(story_json(each));
    return list;
}

} // namespace

nlohmann::ordered_json judgement_json(const Judgement &each) {
    return {
        {"kind", each.kind},
        {"severity", each.severity},
        {"query", each.query},
        {"reason", each.reason},
        {"database", each.database},
        {"metric", text_or_null(each.metric)},
        {"unit", text_or_null(each.unit)},
        {"cause", text_or_null(each.cause)},
        {"suggestion", text_or_null(each.suggestion)},
        {"advice", text_or_null(each.advice)},
        {"index", text_or_null(each.index)},
        {"short_query", text_or_null(shown_query(each))},
        {"call_site", text_or_null(each.call_site)},
        {"file", text_or_null(each.location.file)},
        {"line", each.location.line > 0 ? nlohmann::ordered_json(each.location.line) : nlohmann::ordered_json(nullptr)},
        {"price_ms", each.price_ms}};
}

nlohmann::ordered_json story_json(const DeadlockStory &story) {
    nlohmann::ordered_json json = {{"id", story.id},
                                   {"database", story.database},
                                   {"at", text_or_null(story.at)},
                                   {"kind", text_or_null(story.kind)},
                                   {"confidence", text_or_null(story.confidence)},
                                   {"status", text_or_null(story.status)},
                                   {"outcome", text_or_null(story.outcome)},
                                   {"description", text_or_null(story.description)},
                                   {"advice", text_or_null(story.advice)},
                                   {"incomplete", story.incomplete}};
    if (story.happened)
        json["cost"] = {{"detection_ms", story.detection_ms}, {"lost_ms", story.lost_ms},
                        {"lost_rows", story.lost_rows},       {"lost_wal_bytes", story.lost_wal_bytes},
                        {"bystanders", story.bystanders},     {"longest_bystander_ms", story.longest_bystander_ms}};
    json["members"] = nlohmann::ordered_json::array();
    for (const DeadlockMember &each : story.members)
        json["members"].push_back({{"name", each.name},
                                   {"waits_for", text_or_null(each.waits_for)},
                                   {"mode", text_or_null(each.wait_mode)},
                                   {"held_by", each.next},
                                   {"victim", each.victim},
                                   {"dropped_steps", each.dropped_steps}});
    json["steps"] = nlohmann::ordered_json::array();
    for (const DeadlockStep &each : story.steps)
        json["steps"].push_back(step_json(each));
    return json;
}

nlohmann::ordered_json latency_json(const QueryLatency &latency) {
    nlohmann::ordered_json json = {{"query_name", text_or_null(latency.name)},
                                   {"query", latency.query},
                                   {"fingerprint", latency.fingerprint},
                                   {"calls", latency.calls},
                                   {"aborted", latency.aborted},
                                   {"total_ms", latency.total_ms},
                                   {"mean_ms", latency.mean_ms},
                                   {"p50_ms", latency.p50_ms},
                                   {"p95_ms", latency.p95_ms},
                                   {"p99_ms", latency.p99_ms},
                                   {"max_ms", latency.max_ms},
                                   {"blocks", latency.blocks},
                                   {"rows", latency.rows}};
    json["histogram"] = nlohmann::ordered_json::array();
    for (const LatencyBucket &each : latency.buckets)
        json["histogram"].push_back({{"low_ms", each.low_ms}, {"width_ms", each.width_ms}, {"calls", each.calls}});
    json["limits"] = nlohmann::ordered_json::array();
    for (const LatencyLimit &each : latency.limits)
        json["limits"].push_back({{"metric", each.metric}, {"ms", each.ms}});
    return json;
}

nlohmann::ordered_json lock_wait_json(const LockWaitFigures &wait) {
    nlohmann::ordered_json json = {{"database", wait.database},
                                   {"kind", wait.kind},
                                   {"relation", text_or_null(wait.relation)},
                                   {"row_key", text_or_null(wait.row_key)},
                                   {"mode", text_or_null(wait.mode)},
                                   {"query", text_or_null(wait.query)},
                                   {"inner_query", text_or_null(wait.inner_query)},
                                   {"blocker_query", text_or_null(wait.blocker_query)},
                                   {"head_query", text_or_null(wait.head_query)},
                                   {"application_name", text_or_null(wait.application_name)},
                                   {"blocker_application_name", text_or_null(wait.blocker_application_name)},
                                   {"waits", wait.waits},
                                   {"waited_ms", wait.waited_ms},
                                   {"max_ms", wait.max_ms},
                                   {"estimated_ms", wait.estimated_ms},
                                   {"head_idle_ms", wait.head_idle_ms},
                                   {"transaction_share", nullptr},
                                   {"longest_chain", wait.longest_chain}};
    if (wait.transaction_share)
        json["transaction_share"] = *wait.transaction_share;
    return json;
}

nlohmann::ordered_json check_json(const CheckReport &report, const ReportDetails &details) {
    nlohmann::ordered_json json = {{"run", report.run.label},
                                   {"command_status", report.command_status},
                                   {"passed", report.passed() && report.command_status == 0},
                                   {"findings", list_of(report, Outcome::failed)},
                                   {"warnings", list_of(report, Outcome::warned)},
                                   {"not_judged", list_of(report, Outcome::not_judged)},
                                   {"known", list_of(report, Outcome::known)},
                                   {"possible", list_of(report, Outcome::possible)},
                                   {"baseline", text_or_null(report.baseline)},
                                   {"baseline_file", text_or_null(report.baseline_file)},
                                   {"only_new", report.only_new},
                                   {"regressions", comparison_json(report.regressions)},
                                   {"dbperf_version", DBPERF_VERSION}};
    const nlohmann::ordered_json run = run_json(report.run);
    for (const auto &[name, value] : run.items())
        if (name != "findings")
            json[name] = value;
    json["commit"] = text_or_null(details.commit);
    json["deadlocks"] = stories_json(details.deadlocks);
    json["predicted_deadlocks"] = stories_json(details.predicted);
    json["lock_waits"] = nlohmann::ordered_json::array();
    for (const LockWaitFigures &each : details.lock_waits)
        json["lock_waits"].push_back(lock_wait_json(each));
    json["latencies"] = nlohmann::ordered_json::array();
    for (const QueryLatency &each : details.latencies)
        json["latencies"].push_back(latency_json(each));
    json["history"] = history_json(details.history);
    return json;
}

} // namespace dbperf::client::reports
