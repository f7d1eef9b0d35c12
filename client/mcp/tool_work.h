// Owns what each tool does, in a process of its own: it prints one JSON object, or throws.
#pragma once

#include "cli/command.h"
#include "mcp/tool_list.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace dbperf::client::mcp {

struct WorkSettings {
    Permissions permissions;
    bool may_be_superuser = false;
    std::string folder; // files are read below it
};

int do_tool_work(const cli::Context &context, const WorkSettings &settings, ToolWork work,
                 const nlohmann::json &arguments);

} // namespace dbperf::client::mcp
