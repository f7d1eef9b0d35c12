#include "mcp/json_rpc.h"

#include <utility>

namespace dbperf::client::mcp {

namespace {

constexpr int max_depth = 64; // what is deeper is nobody's message, and copying it would need a stack as deep
constexpr std::size_t max_id_bytes = 256;

bool is_id(const nlohmann::json &value) {
    return value.is_number() || (value.is_string() && value.get_ref<const std::string &>().size() <= max_id_bytes);
}

std::string line_of(const nlohmann::ordered_json &message) {
    return message.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Message invalid(nlohmann::json id, RpcError error, std::string reason) {
    Message message;
    message.id = std::move(id);
    message.error = error;
    message.reason = std::move(reason);
    return message;
}

} // namespace

Message parse_message(std::string_view line) {
    bool too_deep = false;
    const auto shallow = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json &) {
        too_deep = too_deep || depth > max_depth;
        return depth <= max_depth;
    };
    nlohmann::json json = nlohmann::json::parse(line.begin(), line.end(), shallow, false);
    if (too_deep)
        return invalid(nullptr, RpcError::invalid_request, "the message is nested too deeply");
    if (json.is_discarded())
        return invalid(nullptr, RpcError::parse, "the line is no JSON");
    if (json.is_array())
        return invalid(nullptr, RpcError::invalid_request, "batches are not supported; send one message a line");
    if (!json.is_object())
        return invalid(nullptr, RpcError::invalid_request, "the message is no object");
    const bool has_id = json.contains("id");
    const nlohmann::json id = has_id && is_id(json["id"]) ? json["id"] : nlohmann::json();
    if (json.value("jsonrpc", nlohmann::json()) != "2.0")
        return invalid(id, RpcError::invalid_request, "\"jsonrpc\" is not \"2.0\"");
    Message message;
    if (!json.contains("method")) {
        if (!json.contains("result") && !json.contains("error"))
            return invalid(id, RpcError::invalid_request, "the message has no method");
        message.kind = MessageKind::response;
        return message;
    }
    if (!json["method"].is_string())
        return invalid(id, RpcError::invalid_request, "the method is no string");
    if (has_id && id.is_null())
        return invalid(id, RpcError::invalid_request, "the id is neither a number nor a string of at most 256 bytes");
    message.kind = has_id ? MessageKind::request : MessageKind::notification;
    message.id = id;
    message.method = json["method"].get<std::string>();
    if (json.contains("params")) {
        if (!json["params"].is_object() && has_id)
            return invalid(id, RpcError::invalid_parameters, "\"params\" is no object");
        if (json["params"].is_object())
            message.parameters = std::move(json["params"]);
    }
    return message;
}

std::string result_line(const nlohmann::json &id, const nlohmann::ordered_json &result) {
    return line_of({{"jsonrpc", "2.0"}, {"id", id}, {"result", result}});
}

std::string error_line(const nlohmann::json &id, RpcError code, const std::string &message) {
    return line_of(
        {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", static_cast<int>(code)}, {"message", message}}}});
}

std::string notification_line(const std::string &method, const nlohmann::ordered_json &parameters) {
    return line_of({{"jsonrpc", "2.0"}, {"method", method}, {"params", parameters}});
}

void LineReader::add(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view part = bytes.substr(0, end);
        if (!skips_ && rest_.size() + part.size() > limit_) {
            skips_ = true;
            rest_ = {};
        }
        if (!skips_)
            rest_ += part;
        if (end == std::string_view::npos)
            return;
        bytes.remove_prefix(end + 1);
        if (!rest_.empty() && rest_.back() == '\r')
            rest_.pop_back();
        lines_.push_back({std::exchange(rest_, {}), std::exchange(skips_, false)});
    }
}

std::optional<LineReader::Line> LineReader::next() {
    if (taken_ == lines_.size()) {
        lines_.clear();
        taken_ = 0;
        return std::nullopt;
    }
    return std::move(lines_[taken_++]);
}

} // namespace dbperf::client::mcp
