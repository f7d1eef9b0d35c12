#include "mcp/mcp_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dbperf::client::mcp {

namespace {

// The newest first: it is offered to who asks for another one. What is used here is the same in all.
constexpr std::array<std::string_view, 4> protocol_versions = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};

constexpr std::string_view instructions =
    "dbperf observes a PostgreSQL server and reports N+1 queries, slow queries, deadlocks and plan regressions with "
    "the "
    "statement, the evidence and what to do instead. Begin with list_findings; explain_finding has the details of one. "
    "Results are JSON; what was left off stands in left_off and is had by read_more.";

nlohmann::ordered_json tool_result(const ToolResult &result) {
    return {{"content", {{{"type", "text"}, {"text", result.text}}}}, {"isError", result.is_error}};
}

nlohmann::json member(const nlohmann::json &object, const char *name) {
    return object.is_object() ? object.value(name, nlohmann::json()) : nlohmann::json();
}

} // namespace

Consequences McpSession::receive(std::string_view line) {
    Consequences consequences;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos)
        return consequences;
    const Message message = parse_message(line);
    switch (message.kind) {
    case MessageKind::invalid:
        consequences.lines.push_back(error_line(message.id, message.error, message.reason));
        break;
    case MessageKind::request:
        request(message, consequences);
        break;
    case MessageKind::notification:
        notification(message, consequences);
        break;
    case MessageKind::response:
        break; // nothing was asked
    }
    return consequences;
}

Consequences McpSession::receive_too_long() {
    return {{error_line(nullptr, RpcError::invalid_request, "the line is too long")}, {}, {}};
}

void McpSession::request(const Message &message, Consequences &consequences) {
    const auto refuse = [&](RpcError code, const std::string &reason) {
        consequences.lines.push_back(error_line(message.id, code, reason));
    };
    if (calls_.contains(message.id.dump()))
        return refuse(RpcError::invalid_request, "a call with this id is under way");
    if (message.method == "initialize")
        return initialize(message, consequences);
    if (message.method == "ping") {
        consequences.lines.push_back(result_line(message.id, nlohmann::ordered_json::object()));
        return;
    }
    if (message.method != "tools/list" && message.method != "tools/call")
        return refuse(RpcError::unknown_method,
                      fmt::format("there is no method \"{}\"", message.method.substr(0, 100)));
    if (!is_initialized_)
        return refuse(RpcError::not_initialized, "the session is not initialized");
    if (message.method == "tools/call")
        return call(message, consequences);
    if (!member(message.parameters, "cursor").is_null())
        return refuse(RpcError::invalid_parameters, "there is one page of tools");
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Tool &tool : tools_)
        list.push_back(tool_json(tool));
    consequences.lines.push_back(result_line(message.id, {{"tools", std::move(list)}}));
}

void McpSession::initialize(const Message &message, Consequences &consequences) {
    const nlohmann::json wanted = member(message.parameters, "protocolVersion");
    if (is_initialized_ || !wanted.is_string()) {
        consequences.lines.push_back(
            is_initialized_ ? error_line(message.id, RpcError::invalid_request, "the session is initialized already")
                            : error_line(message.id, RpcError::invalid_parameters, "\"protocolVersion\" is no string"));
        return;
    }
    is_initialized_ = true;
    const auto known = std::find(protocol_versions.begin(), protocol_versions.end(), wanted.get<std::string>());
    consequences.lines.push_back(
        result_line(message.id, {{"protocolVersion", known == protocol_versions.end() ? protocol_versions[0] : *known},
                                 {"capabilities", {{"tools", nlohmann::ordered_json::object()}}},
                                 {"serverInfo", {{"name", "dbperf"}, {"title", "dbperf"}, {"version", version_}}},
                                 {"instructions", instructions}}));
}

void McpSession::call(const Message &message, Consequences &consequences) {
    const nlohmann::json name = member(message.parameters, "name");
    const auto tool = std::find_if(tools_.begin(), tools_.end(), [&](const Tool &each) { return name == each.name; });
    if (tool == tools_.end()) {
        consequences.lines.push_back(
            error_line(message.id, RpcError::invalid_parameters,
                       name.is_string() ? fmt::format("there is no tool \"{}\"", name.get<std::string>().substr(0, 100))
                                        : "\"name\" is no string"));
        return;
    }
    ToolCall call = {message.id.dump(), &*tool, nlohmann::json::object(), nullptr};
    if (const nlohmann::json arguments = member(message.parameters, "arguments"); !arguments.is_null()) {
        if (!arguments.is_object()) {
            consequences.lines.push_back(
                error_line(message.id, RpcError::invalid_parameters, "\"arguments\" is no object"));
            return;
        }
        call.arguments = arguments;
    }
    // Wrong arguments are a result, so that whoever chose them reads what is wrong.
    if (const std::string wrong = wrong_arguments(*tool, call.arguments); !wrong.empty()) {
        consequences.lines.push_back(result_line(message.id, tool_result({wrong, true})));
        return;
    }
    if (calls_.size() >= max_calls) {
        consequences.lines.push_back(
            error_line(message.id, RpcError::too_many_calls,
                       fmt::format("{} calls are under way; wait for one of them", calls_.size())));
        return;
    }
    const nlohmann::json token = member(member(message.parameters, "_meta"), "progressToken");
    if (token.is_string() || token.is_number_integer())
        call.progress_token = token;
    calls_[call.key] = {message.id, call.progress_token};
    consequences.calls.push_back(std::move(call));
}

void McpSession::notification(const Message &message, Consequences &consequences) {
    if (message.method != "notifications/cancelled")
        return;
    const std::string key = member(message.parameters, "requestId").dump();
    if (calls_.erase(key) > 0)
        consequences.cancelled.push_back(key);
}

std::string McpSession::answer(const std::string &key, const ToolResult &result) {
    const auto found = calls_.find(key);
    if (found == calls_.end())
        return {};
    const nlohmann::json id = found->second.id;
    calls_.erase(found);
    return result_line(id, tool_result(result));
}

std::string McpSession::progress(const std::string &key, double seconds, const std::string &message) const {
    const auto found = calls_.find(key);
    if (found == calls_.end() || found->second.progress_token.is_null())
        return {};
    return notification_line(
        "notifications/progress",
        {{"progressToken", found->second.progress_token}, {"progress", seconds}, {"message", message}});
}

} // namespace dbperf::client::mcp
