// Owns the form of messages: JSON-RPC 2.0, one a line. It knows no method.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::mcp {

enum class RpcError {
    parse = -32700,
    invalid_request = -32600,
    unknown_method = -32601,
    invalid_parameters = -32602,
    not_initialized = -32002,
    too_many_calls = -32001
};

enum class MessageKind { request, notification, response, invalid };

struct Message {
    MessageKind kind = MessageKind::invalid;
    nlohmann::json id; // of a request, and of what is invalid where it could be read; else null
    std::string method;
    nlohmann::json parameters = nlohmann::json::object();
    RpcError error = RpcError::invalid_request; // of what is invalid
    std::string reason;
};

// Never throws, whatever the line holds.
Message parse_message(std::string_view line);

// Lines to be sent, with their end.
std::string result_line(const nlohmann::json &id, const nlohmann::ordered_json &result);
std::string error_line(const nlohmann::json &id, RpcError code, const std::string &message);
std::string notification_line(const std::string &method, const nlohmann::ordered_json &parameters);

// Bytes as they arrive, taken apart into lines. Of one that is too long nothing is kept.
class LineReader {
public:
    struct Line {
        std::string text;
        bool is_too_long = false;
    };
    explicit LineReader(std::size_t limit) : limit_(limit) {}

    void add(std::string_view bytes);
    std::optional<Line> next();

private:
    std::size_t limit_;
    std::string rest_;
    bool skips_ = false; // to the end of a line that is too long
    std::vector<Line> lines_;
    std::size_t taken_ = 0;
};

} // namespace dbperf::client::mcp
