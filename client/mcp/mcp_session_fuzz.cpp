// Any bytes of a client: what is answered is always one valid message a line, every call is answered at most once, and
// no more calls are under way than there may be. Any result: never larger than it may be, and nothing of a list is
// lost.
#include "mcp/mcp_session.h"

#include "mcp/bounded_result.h"

#include <fuzz/target.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

using namespace dbperf::client::mcp;

namespace {

void check_line(const std::string &line) {
    FUZZ_CHECK_SHOWN(line.size() > 1 && line.find('\n') == line.size() - 1, line);
    const nlohmann::json message = nlohmann::json::parse(line, nullptr, false);
    FUZZ_CHECK_SHOWN(message.is_object() && message["jsonrpc"] == "2.0", line);
    FUZZ_CHECK_SHOWN(message.contains("result") != message.contains("error"), line);
}

void converse(fuzz::Input input, LineReader &lines, McpSession &session) {
    std::set<std::string> under_way;
    while (input.left() > 0) {
        lines.add(input.word());
        if (input.flag())
            lines.add("\n");
        while (const auto line = lines.next()) {
            const Consequences consequences =
                line->is_too_long ? session.receive_too_long() : session.receive(line->text);
            FUZZ_CHECK(consequences.lines.size() + consequences.calls.size() + consequences.cancelled.size() <= 1);
            for (const std::string &each : consequences.lines)
                check_line(each);
            for (const ToolCall &call : consequences.calls) {
                FUZZ_CHECK_SHOWN(under_way.insert(call.key).second, call.key);
                FUZZ_CHECK(wrong_arguments(*call.tool, call.arguments).empty());
            }
            for (const std::string &key : consequences.cancelled)
                FUZZ_CHECK_SHOWN(under_way.erase(key) == 1, key);
            FUZZ_CHECK(under_way.size() <= McpSession::max_calls);
        }
        if (!under_way.empty() && input.flag()) {
            const std::string key = *under_way.begin();
            check_line(session.answer(key, {"{}", false}));
            FUZZ_CHECK(session.answer(key, {"{}", false}).empty());
            under_way.erase(key);
        }
    }
}

} // namespace

FUZZ_PART(conversation) {
    const std::vector<Tool> tools = tools_for({{"make"}, input.flag()});
    McpSession session(tools, "1");
    LineReader lines(4096);
    if (input.flag())
        session.receive(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}})");
    converse(input, lines, session);
}

FUZZ_PART(calls) {
    const std::vector<Tool> tools = tools_for({{"make"}, true});
    McpSession session(tools, "1");
    session.receive(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}})");
    while (input.left() > 0) {
        nlohmann::json arguments = nlohmann::json::parse(std::string(input.word()), nullptr, false);
        if (arguments.is_discarded())
            arguments = nlohmann::json::object();
        const nlohmann::json line = {
            {"jsonrpc", "2.0"},
            {"id", input.byte()},
            {"method", "tools/call"},
            {"params",
             {{"name", tools[input.below(static_cast<uint32_t>(tools.size()))].name}, {"arguments", arguments}}}};
        const std::string text = line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
        for (const std::string &each : session.receive(text).lines)
            check_line(each);
    }
}

FUZZ_PART(bounded) {
    const std::size_t bound = 400 + input.below(2000);
    KeptResults kept(bound);
    nlohmann::ordered_json result = {{"list", nlohmann::ordered_json::array()}};
    while (input.left() > 0) {
        const std::string word(input.word());
        const nlohmann::ordered_json value(nlohmann::ordered_json::parse(
            nlohmann::json(word).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)));
        switch (input.below(3)) {
        case 0:
            result["list"].push_back(value);
            break;
        case 1:
            result["list"].push_back({{"a", value}, {"b", value}});
            break;
        default:
            result[value.get<std::string>().substr(0, 20)] = value;
        }
    }
    if (!result["list"].is_array())
        return;
    const std::string text = kept.bounded(result);
    const auto shown = nlohmann::ordered_json::parse(text, nullptr, false);
    FUZZ_CHECK_SHOWN(shown.is_object() && text.size() <= bound, text);
    if (!shown.contains("left_off"))
        return;
    std::size_t next = 0;
    const std::size_t of = result["list"].size();
    while (next < of) {
        const auto more = kept.more(shown["result"].get<std::string>(), "/list", next);
        FUZZ_CHECK(more && more->size() <= bound);
        const auto page = nlohmann::ordered_json::parse(*more, nullptr, false);
        if (page.contains("left_off")) // an element that is larger than a page
            return;
        FUZZ_CHECK_SHOWN(!page["elements"].empty() && page["elements"][0] == result["list"][next], *more);
        next += page["elements"].size();
    }
}
