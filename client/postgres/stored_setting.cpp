#include "postgres/stored_setting.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

#include "base/character.h"

namespace dbperf::client::postgres {
using namespace base;

namespace {

void skip_spaces(std::string_view value, std::size_t &at) {
    while (at < value.size() && is_space(value[at]))
        ++at;
}

// After the opening quote; false without a closing one.
bool read_quoted(std::string_view value, std::size_t &at, std::string &name) {
    while (at < value.size()) {
        const char c = value[at++];
        if (c != '"') {
            name += c;
        } else if (at < value.size() && value[at] == '"') {
            name += c;
            ++at;
        } else {
            return true;
        }
    }
    return false;
}

} // namespace

bool is_name_list(std::string_view setting) {
    constexpr std::array<std::string_view, 6> lists = {"local_preload_libraries",   "search_path",
                                                       "session_preload_libraries", "shared_preload_libraries",
                                                       "temp_tablespaces",          "unix_socket_directories"};
    const auto same = [setting](std::string_view name) {
        return std::equal(name.begin(), name.end(), setting.begin(), setting.end(),
                          [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
    };
    return std::any_of(lists.begin(), lists.end(), same);
}

std::optional<std::vector<std::string>> split_name_list(std::string_view value) {
    std::vector<std::string> names;
    std::size_t at = 0;
    skip_spaces(value, at);
    if (at == value.size())
        return names;
    while (true) {
        std::string &name = names.emplace_back();
        if (at < value.size() && value[at] == '"') {
            ++at;
            if (!read_quoted(value, at, name))
                return std::nullopt;
        } else {
            while (at < value.size() && value[at] != ',' && !is_space(value[at]))
                name += value[at++];
            if (name.empty())
                return std::nullopt;
        }
        skip_spaces(value, at);
        if (at == value.size())
            return names;
        if (value[at++] != ',')
            return std::nullopt;
        skip_spaces(value, at);
    }
}

std::vector<std::string> setting_name_parts(std::string_view setting) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0;;) {
        const std::size_t dot = setting.find('.', begin);
        parts.emplace_back(setting.substr(begin, dot == std::string_view::npos ? dot : dot - begin));
        if (dot == std::string_view::npos)
            return parts;
        begin = dot + 1;
    }
}

} // namespace dbperf::client::postgres
