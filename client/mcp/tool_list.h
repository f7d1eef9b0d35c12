// Owns which tools there are and what each may be given; knows nothing of how they do it.
#pragma once

#include <nlohmann/json.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::mcp {

struct ToolArgument {
    enum class Type { text, whole_number, texts };
    std::string_view name;
    Type type;
    std::string_view meaning;
    bool is_required = false;
    long long least = 0, most = 1000000000; // of a number
};

enum class ToolWork {
    list_runs,
    list_findings,
    explain_finding,
    run_command,
    compare_migration,
    advise_indexes,
    read_more
};

struct Tool {
    ToolWork work;
    std::string_view name, title;
    std::string description;
    std::vector<ToolArgument> arguments;
    bool measures = false; // one at a time: each would disturb the other's figures
    bool changes = false;  // stores a run or makes copies
};

// What this server was started for.
struct Permissions {
    std::vector<std::string> command; // the one that run_command runs; empty: none was named
    bool any_command = false;         // those that the client names
};

std::vector<Tool> tools_for(const Permissions &permissions);

// As an element of tools/list.
nlohmann::ordered_json tool_json(const Tool &tool);

// A sentence of what is wrong with them, or "".
std::string wrong_arguments(const Tool &tool, const nlohmann::json &arguments);

} // namespace dbperf::client::mcp
