#include "mcp/tool_list.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::mcp {

namespace {

using Type = ToolArgument::Type;

constexpr std::size_t max_text_bytes = 4096;
constexpr std::size_t max_texts = 100;

constexpr ToolArgument run_argument = {"run", Type::text, "label of the run (default: the latest finished one)"};
constexpr ToolArgument queries_argument = {"queries", Type::text,
                                           "folder or file of monitored queries, below the folder of the server "
                                           "(default: that of dbperf.toml)"};

bool is_text(const nlohmann::json &value) {
    if (!value.is_string())
        return false;
    const auto &text = value.get_ref<const std::string &>();
    return !text.empty() && text.size() <= max_text_bytes && text.find('\0') == std::string::npos;
}

std::string wrong_value(const ToolArgument &argument, const nlohmann::json &value) {
    switch (argument.type) {
    case Type::text:
        return is_text(value) ? "" : fmt::format("must be a text of 1 to {} bytes", max_text_bytes);
    case Type::whole_number: {
        const bool is_too_large = value.is_number_unsigned() && value.get<unsigned long long>() > 1000000000ULL;
        if (!value.is_number_integer() || is_too_large || value.get<long long>() < argument.least ||
            value.get<long long>() > argument.most)
            return fmt::format("must be a whole number from {} to {}", argument.least, argument.most);
        return {};
    }
    case Type::texts:
        break;
    }
    if (!value.is_array() || value.empty() || value.size() > max_texts ||
        !std::all_of(value.begin(), value.end(), is_text))
        return fmt::format("must be a list of 1 to {} texts of 1 to {} bytes", max_texts, max_text_bytes);
    return {};
}

std::string joined(const std::vector<std::string> &command) {
    std::string text;
    for (const std::string &word : command)
        text += (text.empty() ? "" : " ") + word;
    return text.size() > 200 ? text.substr(0, 200) + "..." : text;
}

} // namespace

std::vector<Tool> tools_for(const Permissions &permissions) {
    std::vector<Tool> tools = {
        {ToolWork::list_runs,
         "list_runs",
         "Stored runs",
         "The latest stored runs, newest first: label, state, begin, number of statements and of findings.",
         {{"limit", Type::whole_number, "at most so many (default: 20)", false, 1, 100}}},
        {ToolWork::list_findings,
         "list_findings",
         "Findings of a run",
         "What is wrong in a run, judged as `dbperf check` does: N+1 queries, slow queries, broken budgets, deadlocks "
         "that happened or could, regressions. Each has an id for explain_finding, the statement, a sentence and the "
         "call site. The worst first.",
         {run_argument,
          {"outcome", Type::text, "failed (default: what fails a check), warned, known, possible, not_judged, or all"},
          {"limit", Type::whole_number, "at most so many (default: 20)", false, 1, 100},
          {"offset", Type::whole_number, "leave out so many of the first", false, 0, 1000000}}},
        {ToolWork::explain_finding,
         "explain_finding",
         "One finding with its evidence",
         "All that is known of one finding: evidence (parent query and keys of an N+1, steps of a deadlock, both "
         "plans' "
         "figures of a regression, latencies), call site and the suggested statement.",
         {{"finding", Type::text, "id of list_findings", true}, run_argument}},
        {ToolWork::compare_migration,
         "compare_migration",
         "What a migration does to queries",
         "Applies migrations to a copy of the database and executes the monitored queries, or the workload of a run, "
         "on "
         "a copy with and one without them, in turns: which got better or worse, by how much, and why. The database "
         "itself stays as it is. Takes seconds to minutes.",
         {{"migrations", Type::texts, "files of SQL below the folder of the server, in their order", true},
          queries_argument,
          {"workload", Type::text, "label of a run: execute the statements that it kept parameters of"},
          {"samples", Type::whole_number, "least executions of each query on each side (default: 40)", false, 1, 1000}},
         true,
         true},
        {ToolWork::advise_indexes,
         "advise_indexes",
         "Indexes that would help",
         "The smallest set of indexes that helps the monitored queries, or the statements of a run, as a whole; each "
         "is "
         "built in a copy and measured, writes included. The database itself stays as it is. Takes seconds to minutes.",
         {queries_argument,
          {"workload", Type::text, "label of a run: advise on the statements that it observed"},
          {"max_indexes", Type::whole_number, "advise at most so many", false, 1, 100}},
         true,
         true},
        {ToolWork::read_more,
         "read_more",
         "The rest of a result",
         "What was left off of a result: `result`, and `at` as `left_off` of that result names it.",
         {{"result", Type::text, "id of the result", true},
          {"at", Type::text, "where in it, as left_off says", true},
          {"offset", Type::whole_number, "leave out so many of the first elements or bytes", false, 0, 1000000000}}}};
    if (permissions.command.empty() && !permissions.any_command)
        return tools;
    Tool run = {ToolWork::run_command,
                "run_command",
                "Run a command under observation",
                "Runs a command while dbperf observes the server, and judges what it did as list_findings does.",
                {{"label", Type::text, "name of the run (default: from the time)"}},
                true,
                true};
    if (!permissions.command.empty())
        run.description = "Runs `" + joined(permissions.command) +
                          "` while dbperf observes the server, and judges what it did as list_findings does. Gives "
                          "the command's status and the end of what it printed.";
    if (permissions.any_command)
        run.arguments.push_back(
            {"command", Type::texts, "program and arguments; no shell reads them", permissions.command.empty()});
    tools.insert(tools.begin() + 3, std::move(run));
    return tools;
}

nlohmann::ordered_json tool_json(const Tool &tool) {
    nlohmann::ordered_json properties = nlohmann::ordered_json::object();
    nlohmann::ordered_json required = nlohmann::ordered_json::array();
    for (const ToolArgument &argument : tool.arguments) {
        nlohmann::ordered_json property;
        switch (argument.type) {
        case Type::text:
            property = {{"type", "string"}};
            break;
        case Type::whole_number:
            property = {{"type", "integer"}, {"minimum", argument.least}, {"maximum", argument.most}};
            break;
        case Type::texts:
            property = {{"type", "array"}, {"items", {{"type", "string"}}}, {"minItems", 1}, {"maxItems", max_texts}};
            break;
        }
        property["description"] = argument.meaning;
        properties[std::string(argument.name)] = std::move(property);
        if (argument.is_required)
            required.push_back(argument.name);
    }
    nlohmann::ordered_json schema = {
        {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    if (!required.empty())
        schema["required"] = std::move(required);
    return {{"name", tool.name},
            {"title", tool.title},
            {"description", tool.description},
            {"inputSchema", std::move(schema)},
            {"annotations", {{"readOnlyHint", !tool.changes}, {"destructiveHint", false}, {"openWorldHint", false}}}};
}

std::string wrong_arguments(const Tool &tool, const nlohmann::json &arguments) {
    for (const auto &given : arguments.items()) {
        const std::string &name = given.key();
        const auto argument = std::find_if(tool.arguments.begin(), tool.arguments.end(),
                                           [&](const ToolArgument &each) { return each.name == name; });
        if (argument == tool.arguments.end()) {
            std::string known;
            for (const ToolArgument &each : tool.arguments)
                known += fmt::format("{}{}", known.empty() ? "" : ", ", each.name);
            return fmt::format("{} has no argument \"{}\"; there are: {}", tool.name, name.substr(0, 100), known);
        }
        if (const std::string wrong = wrong_value(*argument, given.value()); !wrong.empty())
            return fmt::format("\"{}\" {}", name, wrong);
    }
    for (const ToolArgument &each : tool.arguments)
        if (each.is_required && !arguments.contains(each.name))
            return fmt::format("{} needs the argument \"{}\"", tool.name, each.name);
    return {};
}

} // namespace dbperf::client::mcp
