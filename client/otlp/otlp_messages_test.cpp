#include "otlp/otlp_messages.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include <set>

namespace dbperf::client::otlp {

namespace {

using nlohmann::json;

RunSignals signals() {
    RunSignals all;
    all.run = {"main", "cdf11b84-0c91-4c69-8a15-c9f356d7bdce", "shop", "1.0", false, 1000000, 3000000};
    FindingSignal loop;
    loop.kind = "n_plus_one";
    loop.outcome = "failed";
    loop.severity = "error";
    loop.reason = "proven";
    loop.evidence = "17";
    loop.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    loop.began_us = 1500000;
    loop.took_ms = 2.5;
    FindingSignal slow;
    slow.kind = "slow_query";
    slow.severity = "warning";
    slow.reason = std::string("bad \xff byte");
    all.findings = {loop, slow};
    PlanSignal plan;
    plan.plan_id = "9";
    plan.query = plan.short_query = "SELECT 1";
    plan.ended_us = 2000000;
    plan.exec_ms = 500;
    plan.rows = 9007199254740993;
    all.plans = {plan};
    return all;
}

json spans_of(const RunSignals &all) {
    json spans = json::array();
    for (const std::string &body : span_bodies(all).bodies) {
        const json sent = json::parse(body);
        for (const json &each : sent["resourceSpans"][0]["scopeSpans"][0]["spans"])
            spans.push_back(each);
    }
    return spans;
}

TEST(OtlpMessages, the_run_is_the_root_of_its_own_trace) {
    const json run = spans_of(signals()).at(0);
    EXPECT_EQ(run["traceId"], "cdf11b840c914c698a15c9f356d7bdce");
    EXPECT_FALSE(run.contains("parentSpanId"));
    EXPECT_EQ(run["startTimeUnixNano"], "1000000000");
    EXPECT_EQ(run["endTimeUnixNano"], "3000000000");
}

TEST(OtlpMessages, a_finding_is_in_the_trace_of_its_request) {
    const json spans = spans_of(signals());
    const json &loop = spans.at(1);
    EXPECT_EQ(loop["traceId"], "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(loop["parentSpanId"], "b7ad6b7169203331");
    EXPECT_EQ(loop["links"][0]["spanId"], spans[0]["spanId"]);
    EXPECT_EQ(loop["endTimeUnixNano"], "1502500000");
    EXPECT_EQ(loop["status"]["code"], 2);
}

TEST(OtlpMessages, a_plan_without_a_trace_is_below_the_run) {
    const json spans = spans_of(signals());
    const json &plan = spans.at(2);
    EXPECT_EQ(plan["traceId"], spans[0]["traceId"]);
    EXPECT_EQ(plan["parentSpanId"], spans[0]["spanId"]);
    EXPECT_EQ(plan["startTimeUnixNano"], "1500000000");
    EXPECT_NE(plan["attributes"].dump().find(R"({"intValue":"9007199254740993"})"), std::string::npos);
    EXPECT_EQ(span_bodies(signals()).items, 3U);
}

TEST(OtlpMessages, a_record_for_each_finding) {
    const OtlpBodies logs = log_bodies(signals());
    EXPECT_EQ(logs.items, 2U);
    const json records = json::parse(logs.bodies.at(0))["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    EXPECT_EQ(records[0]["spanId"], spans_of(signals())[1]["spanId"]);
    EXPECT_EQ(records[0]["severityNumber"], 17);
    EXPECT_EQ(records[1]["severityText"], "WARN");
    EXPECT_EQ(records[1]["timeUnixNano"], "3000000000");
    EXPECT_EQ(records[1]["traceId"], spans_of(signals())[0]["traceId"]);
}

TEST(OtlpMessages, sent_again_it_is_the_same) {
    EXPECT_EQ(span_bodies(signals()).bodies, span_bodies(signals()).bodies);
    std::set<std::string> ids;
    for (const json &each : spans_of(signals()))
        EXPECT_TRUE(ids.insert(each["spanId"].get<std::string>()).second);
}

TEST(OtlpMessages, many_are_several_requests) {
    RunSignals all = signals();
    all.plans.resize(1000, all.plans[0]);
    EXPECT_EQ(span_bodies(all).bodies.size(), 6U);
    EXPECT_EQ(spans_of(all).size(), 1002U);
    all.findings.clear();
    EXPECT_TRUE(log_bodies(all).bodies.empty());
}

} // namespace
} // namespace dbperf::client::otlp
