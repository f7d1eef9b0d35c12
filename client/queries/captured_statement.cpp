#include "queries/captured_statement.h"

#include "base/error.h"

#include <charconv>

namespace dbperf::client::queries {
using namespace base;
using namespace postgres;

std::string array_literal(const std::vector<Parameter> &elements) {
    std::string text = "{";
    for (const Parameter &element : elements) {
        text += text.size() > 1 ? "," : "";
        if (!element) {
            text += "NULL";
            continue;
        }
        text += '"';
        for (const char c : *element) {
            if (c == '"' || c == '\\')
                text += '\\';
            text += c;
        }
        text += '"';
    }
    return text + "}";
}

std::string captured_request(std::string_view action, const CapturedStatement &statement) {
    std::vector<Parameter> parts = {std::string(action), statement.role, std::to_string(statement.settings.size())};
    for (const auto &[name, value] : statement.settings) {
        parts.emplace_back(name);
        parts.emplace_back(value);
    }
    parts.emplace_back(statement.sql);
    parts.emplace_back(std::to_string(statement.values.size()));
    for (std::size_t i = 0; i < statement.values.size(); ++i) {
        parts.emplace_back(statement.types.at(i));
        parts.push_back(statement.values[i]);
    }
    return array_literal(parts);
}

std::vector<Parameter> captured_row(std::string_view text) {
    std::vector<Parameter> columns;
    while (!text.empty()) {
        if (text.front() == 'n') {
            columns.emplace_back();
            text.remove_prefix(1);
            continue;
        }
        std::size_t length = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
        const auto digits = static_cast<std::size_t>(end - text.data());
        if (error != std::errc() || digits >= text.size() || *end != ':' || text.size() - digits - 1 < length)
            throw internal_error("the server's answer to SHOW dbperf.captured is no row");
        columns.emplace_back(std::string(text.substr(digits + 1, length)));
        text.remove_prefix(digits + 1 + length);
    }
    return columns;
}

CapturedEnd captured_end(std::string_view text) {
    CapturedEnd end;
    const std::size_t space = text.find(' ');
    const std::string_view number = space == std::string_view::npos ? "" : text.substr(space + 1);
    const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), end.rows);
    if (error != std::errc() || rest != number.data() + number.size())
        throw internal_error("the server's answer to SHOW dbperf.captured has no end");
    for (const char flag : text.substr(0, space))
        end.floating.push_back(flag == 'f');
    return end;
}

} // namespace dbperf::client::queries
