#include "mcp/mcp_session.h"

#include <gtest/gtest.h>

namespace dbperf::client::mcp {

namespace {

using nlohmann::json;

class Conversation : public testing::Test {
protected:
    const std::vector<Tool> tools = tools_for({{"make", "test"}, false});
    McpSession session{tools, "1.0"};

    // The only line that is answered.
    json ask(const std::string &line) {
        Consequences consequences = session.receive(line);
        EXPECT_EQ(consequences.lines.size(), 1U) << line;
        return consequences.lines.empty() ? json() : json::parse(consequences.lines[0]);
    }
    json ask(int id, const std::string &method, const json &params = json::object()) {
        return ask(json({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}).dump());
    }
    Consequences call(const json &id, const std::string &tool, const json &arguments = json::object()) {
        return session.receive(json({{"jsonrpc", "2.0"},
                                     {"id", id},
                                     {"method", "tools/call"},
                                     {"params", {{"name", tool}, {"arguments", arguments}}}})
                                   .dump());
    }
    void initialize(const std::string &version = "2025-06-18") { ask(0, "initialize", {{"protocolVersion", version}}); }
    static int code(const json &answer) { return answer.at("error").at("code").get<int>(); }
};

TEST_F(Conversation, negotiates_the_version) {
    EXPECT_EQ(ask(1, "initialize", {{"protocolVersion", "2024-11-05"}})["result"]["protocolVersion"], "2024-11-05");
    McpSession other(tools, "1.0");
    const auto answer = json::parse(
        other.receive(R"({"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"1999-01-01"}})")
            .lines.at(0));
    EXPECT_EQ(answer["result"]["protocolVersion"], "2025-11-25");
    EXPECT_EQ(answer["id"], "a");
    EXPECT_EQ(answer["result"]["serverInfo"]["name"], "dbperf");
}

TEST_F(Conversation, what_may_come_before_it_is_initialized) {
    EXPECT_TRUE(ask(1, "ping")["result"].empty());
    EXPECT_EQ(code(ask(2, "tools/list")), -32002);
    EXPECT_EQ(code(ask(3, "initialize", {{"protocolVersion", 7}})), -32602);
    initialize();
    EXPECT_EQ(code(ask(4, "initialize", {{"protocolVersion", "2025-06-18"}})), -32600);
}

TEST_F(Conversation, what_is_no_message) {
    EXPECT_EQ(code(ask("{")), -32700);
    EXPECT_EQ(code(ask("\xff")), -32700);
    EXPECT_EQ(code(ask("[]")), -32600);
    EXPECT_EQ(code(ask("7")), -32600);
    EXPECT_EQ(code(ask("{}")), -32600);
    EXPECT_EQ(code(ask(R"({"jsonrpc":"1.0","id":1,"method":"ping"})")), -32600);
    EXPECT_EQ(code(ask(R"({"jsonrpc":"2.0","id":1,"method":[]})")), -32600);
    EXPECT_EQ(code(ask(R"({"jsonrpc":"2.0","id":null,"method":"ping"})")), -32600);
    EXPECT_EQ(code(ask(R"({"jsonrpc":"2.0","id":[1],"method":"ping"})")), -32600);
    EXPECT_EQ(code(ask(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[1]})")), -32602);
    EXPECT_EQ(code(ask(1, "resources/list")), -32601);
    EXPECT_TRUE(session.receive("").lines.empty());
    EXPECT_TRUE(session.receive(R"({"jsonrpc":"2.0","id":1,"result":{}})").lines.empty());
    EXPECT_TRUE(session.receive(R"({"jsonrpc":"2.0","method":"notifications/what","params":3})").lines.empty());
}

TEST_F(Conversation, a_message_of_any_depth) {
    const std::string open(300000, '['), close(300000, ']');
    EXPECT_EQ(code(ask(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":)" + open + close + "}}")), -32600);
    EXPECT_EQ(code(ask(open)), -32600);
}

TEST_F(Conversation, lists_its_tools) {
    initialize();
    const json list = ask(1, "tools/list")["result"]["tools"];
    ASSERT_EQ(list.size(), 7U);
    for (const json &tool : list) {
        EXPECT_EQ(tool["inputSchema"]["type"], "object");
        EXPECT_FALSE(tool["description"].get<std::string>().empty());
    }
    EXPECT_EQ(tools_for({{}, false}).size(), 6U); // nothing may be run
    EXPECT_EQ(code(ask(2, "tools/list", {{"cursor", "x"}})), -32602);
}

TEST_F(Conversation, calls_a_tool_and_answers_once) {
    initialize();
    const Consequences begun = call("x", "list_findings", {{"limit", 3}});
    ASSERT_EQ(begun.calls.size(), 1U);
    EXPECT_TRUE(begun.lines.empty());
    EXPECT_EQ(begun.calls[0].arguments["limit"], 3);
    EXPECT_EQ(code(json::parse(call("x", "list_findings").lines.at(0))), -32600); // the id is in use
    const json answer = json::parse(session.answer("\"x\"", {"{}", false}));
    EXPECT_EQ(answer["result"]["content"][0]["text"], "{}");
    EXPECT_EQ(session.answer("\"x\"", {"{}", false}), "");
}

TEST_F(Conversation, what_is_cancelled_is_not_answered) {
    initialize();
    call(5, "list_runs");
    const auto cancelled =
        session.receive(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}})");
    EXPECT_EQ(cancelled.cancelled, std::vector<std::string>{"5"});
    EXPECT_EQ(session.answer("5", {"{}", false}), "");
    EXPECT_TRUE(session.receive(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"5"}})")
                    .cancelled.empty());
}

TEST_F(Conversation, wrong_arguments_are_a_result_to_read) {
    initialize();
    const auto reason = [&](const std::string &tool, const json &arguments) {
        const Consequences consequences = call(1, tool, arguments);
        EXPECT_TRUE(consequences.calls.empty());
        const json answer = json::parse(consequences.lines.at(0));
        EXPECT_EQ(answer["result"]["isError"], true);
        return answer["result"]["content"][0]["text"].get<std::string>();
    };
    EXPECT_EQ(reason("list_findings", {{"limit", "3"}}), "\"limit\" must be a whole number from 1 to 100");
    EXPECT_EQ(reason("list_findings", {{"limit", 18446744073709551615ULL}}),
              "\"limit\" must be a whole number from 1 to 100");
    EXPECT_EQ(reason("list_findings", {{"limit", 1.5}}), "\"limit\" must be a whole number from 1 to 100");
    EXPECT_EQ(reason("explain_finding", json::object()), "explain_finding needs the argument \"finding\"");
    EXPECT_EQ(reason("run_command", {{"command", {"sh"}}}),
              "run_command has no argument \"command\"; there are: label");
    EXPECT_EQ(reason("compare_migration", {{"migrations", {"a", 1}}}),
              "\"migrations\" must be a list of 1 to 100 texts of 1 to 4096 bytes");
    EXPECT_EQ(reason("explain_finding", {{"finding", std::string("a\0b", 3)}}),
              "\"finding\" must be a text of 1 to 4096 bytes");
    EXPECT_EQ(code(json::parse(call(2, "drop_everything").lines.at(0))), -32602);
    EXPECT_EQ(code(json::parse(call(2, "list_runs", json::array()).lines.at(0))), -32602);
}

TEST_F(Conversation, everything_at_once) {
    initialize();
    std::size_t begun = 0, refused = 0;
    for (int id = 1; id <= 1000; ++id) {
        const Consequences consequences = call(id, "list_runs");
        begun += consequences.calls.size();
        refused += consequences.lines.size();
    }
    EXPECT_EQ(begun, McpSession::max_calls);
    EXPECT_EQ(refused, 1000 - McpSession::max_calls);
}

TEST_F(Conversation, progress_for_who_wants_to_know) {
    initialize();
    session.receive(
        R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_runs","_meta":{"progressToken":"t"}}})");
    call(2, "list_runs");
    const json said = json::parse(session.progress("1", 5, "working"));
    EXPECT_EQ(said["params"]["progressToken"], "t");
    EXPECT_EQ(session.progress("2", 5, "working"), "");
}

TEST(LineReader, lines_of_any_length) {
    LineReader lines(5);
    lines.add("ab");
    EXPECT_FALSE(lines.next());
    lines.add("c\r\n\n123456\n12345\nx");
    EXPECT_EQ(lines.next()->text, "abc");
    EXPECT_EQ(lines.next()->text, "");
    EXPECT_TRUE(lines.next()->is_too_long);
    EXPECT_EQ(lines.next()->text, "12345");
    EXPECT_FALSE(lines.next());
    lines.add("\n");
    EXPECT_EQ(lines.next()->text, "x");
}

} // namespace
} // namespace dbperf::client::mcp
