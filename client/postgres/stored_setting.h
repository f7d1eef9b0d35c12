// Owns how a stored setting becomes SQL again: lists of names are split by the server's own rules and quoted anew, as
// pg_dump does; all else is one value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::postgres {

// Whether the server stores the setting as a list of quoted names (its GUC_LIST_QUOTE; extensions can have none).
bool is_name_list(std::string_view setting);

// The names in such a value, with their case; nothing when it is none.
std::optional<std::vector<std::string>> split_name_list(std::string_view value);

// "app.limit" has two parts, each of which is quoted by itself.
std::vector<std::string> setting_name_parts(std::string_view setting);

} // namespace dbperf::client::postgres
