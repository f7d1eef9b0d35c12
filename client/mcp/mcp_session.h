// Owns the conversation: what is answered at once, which calls are under way, what may be asked when. It is given lines
// and gives lines; reading, writing and working are somebody else's.
#pragma once

#include "mcp/json_rpc.h"
#include "mcp/tool_list.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::mcp {

struct ToolCall {
    std::string key; // the request's id as JSON: 1 and "1" are two
    const Tool *tool = nullptr;
    nlohmann::json arguments = nlohmann::json::object();
    nlohmann::json progress_token; // null: nobody wants to know
};

// What follows from a line.
struct Consequences {
    std::vector<std::string> lines; // to be sent
    std::vector<ToolCall> calls;    // to be begun
    std::vector<std::string> cancelled;
};

struct ToolResult {
    std::string text;
    bool is_error = false;
};

class McpSession {
public:
    // Tools must outlive it.
    McpSession(const std::vector<Tool> &tools, std::string version) : tools_(tools), version_(std::move(version)) {}

    static constexpr std::size_t max_calls = 64; // under way

    Consequences receive(std::string_view line);
    Consequences receive_too_long();

    // The line that answers a call; "" when nobody waits for it any more.
    std::string answer(const std::string &key, const ToolResult &result);
    // The line that says that a call is still under way; "" when nobody wants to know.
    std::string progress(const std::string &key, double seconds, const std::string &message) const;

    bool is_under_way(const std::string &key) const { return calls_.contains(key); }

private:
    struct UnderWay {
        nlohmann::json id, progress_token;
    };
    void request(const Message &message, Consequences &consequences);
    void notification(const Message &message, Consequences &consequences);
    void initialize(const Message &message, Consequences &consequences);
    void call(const Message &message, Consequences &consequences);

    const std::vector<Tool> &tools_;
    std::string version_;
    bool is_initialized_ = false;
    std::map<std::string, UnderWay> calls_;
};

} // namespace dbperf::client::mcp
