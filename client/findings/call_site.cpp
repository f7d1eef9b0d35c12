#include "findings/call_site.h"

#include <charconv>
#include <filesystem>

namespace dbperf::client::findings {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// sqlcommenter's values are URL-encoded.
std::string url_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool escaped =
            text[at] == '%' && at + 2 < text.size() && hex_digit(text[at + 1]) >= 0 && hex_digit(text[at + 2]) >= 0;
        if (escaped) {
            decoded += static_cast<char>(hex_digit(text[at + 1]) * 16 + hex_digit(text[at + 2]));
            at += 2;
        } else {
            decoded += text[at];
        }
    }
    return decoded;
}

// The value of key='value' in a comma-separated list; "" without.
std::string value_of(std::string_view call_site, std::string_view key) {
    for (std::size_t at = 0; at < call_site.size();) {
        std::size_t end = call_site.find(',', at);
        end = end == std::string_view::npos ? call_site.size() : end;
        const std::string_view part = call_site.substr(at, end - at);
        const std::size_t equals = part.find("='");
        if (equals != std::string_view::npos && part.substr(0, equals) == key && part.back() == '\'' &&
            part.size() > equals + 2)
            return url_decoded(part.substr(equals + 2, part.size() - equals - 3));
        at = end + 1;
    }
    return {};
}

int number_at(std::string_view text) {
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

} // namespace

std::string path_below(const std::string &root, const std::string &file) {
    namespace fs = std::filesystem;
    if (file.empty())
        return file;
    const fs::path path = fs::path(file).lexically_normal();
    const fs::path below = path.is_absolute() ? path.lexically_relative(root) : path;
    return (below.empty() || *below.begin() == ".." ? path : below).generic_string();
}

SourceLine line_of_call_site(std::string_view call_site) {
    for (const std::string_view key : {"source_location", "line", "caller", "file"}) {
        const std::string value = value_of(call_site, key);
        // "app/models/user.rb:12:in `each'"
        const std::size_t colon = value.find(':', value.size() > 2 && value[1] == ':' ? 2 : 0);
        if (colon != std::string::npos && colon > 0 && number_at(std::string_view(value).substr(colon + 1)) > 0)
            return {value.substr(0, colon), number_at(std::string_view(value).substr(colon + 1))};
    }
    const std::string file = value_of(call_site, "file");
    return {file, file.empty() ? 0 : number_at(value_of(call_site, "line"))};
}

} // namespace dbperf::client::findings
