#include "otlp/collector_address.h"

#include "base/error.h"
#include "base/file_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace dbperf::client::otlp {
using namespace base;

namespace {

Error wrong_url(const std::string &why) {
    return usage_error("--otlp: " + why, "write it as http://localhost:4318; /v1/traces and /v1/logs are added");
}

bool is_visible(char c) {
    return c > ' ' && c < 0x7f;
}

int digit_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%' && at + 2 < text.size() && digit_of(text[at + 1]) >= 0 && digit_of(text[at + 2]) >= 0) {
            result += static_cast<char>(digit_of(text[at + 1]) * 16 + digit_of(text[at + 2]));
            at += 2;
        } else {
            result += text[at];
        }
    }
    return result;
}

} // namespace

CollectorAddress parse_collector_address(const std::string &url) {
    const bool secure = url.starts_with("https://");
    if (!secure && !url.starts_with("http://"))
        throw wrong_url("the URL begins with neither http:// nor https://");
    if (!std::all_of(url.begin(), url.end(), is_visible))
        throw wrong_url("the URL has a character that none can have");
    const std::string_view rest = std::string_view(url).substr(secure ? 8 : 7);
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view authority = rest.substr(0, end);
    if (rest.find_first_of("?#") != std::string_view::npos)
        throw wrong_url("the URL has a query");
    if (authority.find('@') != std::string_view::npos)
        throw wrong_url("the URL has a user; what a collector wants to know goes into OTEL_EXPORTER_OTLP_HEADERS");
    const std::size_t bracket = authority.rfind(']');
    const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    const std::string_view host = authority.substr(0, colon);
    const bool is_literal = host.starts_with('[') && host.ends_with(']');
    if (host.empty() || (!is_literal && host.find_first_of("[]:") != std::string_view::npos))
        throw wrong_url("the URL has no host");
    std::string port = secure ? "443" : "4318";
    if (colon != std::string_view::npos) {
        port = authority.substr(colon + 1);
        if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos ||
            std::stoi(port) < 1 || std::stoi(port) > 65535)
            throw wrong_url("the URL has no port from 1 to 65535");
    }
    std::string path(rest.substr(end));
    while (path.ends_with('/'))
        path.pop_back();
    return {fmt::format("{}://{}:{}", secure ? "https" : "http", host, port), path};
}

std::vector<std::pair<std::string, std::string>> parse_headers(const std::string &text) {
    std::vector<std::pair<std::string, std::string>> headers;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        const std::string_view part = trim(std::string_view(text).substr(at, end - at));
        at = end + 1;
        if (part.empty())
            continue;
        const std::size_t equals = part.find('=');
        const std::string_view name = trim(part.substr(0, equals));
        const std::string value =
            equals == std::string_view::npos ? std::string() : decoded(trim(part.substr(equals + 1)));
        const auto in_name = [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
        };
        const auto in_value = [](char c) { return c == ' ' || is_visible(c); };
        if (equals == std::string_view::npos || name.empty() || !std::all_of(name.begin(), name.end(), in_name) ||
            !std::all_of(value.begin(), value.end(), in_value))
            throw usage_error("OTEL_EXPORTER_OTLP_HEADERS is no list of headers", "write it as key=value,key=value");
        headers.emplace_back(name, value);
    }
    return headers;
}

} // namespace dbperf::client::otlp
