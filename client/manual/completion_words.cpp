#include "manual/completion_words.h"

#include <algorithm>
#include <array>

namespace dbperf::client::manual {
using namespace cli;

namespace {

CommandPath path_of(const CommandDescription &command) {
    CommandPath result = {command.name, command.summary, {}, command.options, ValueKind::none, command.takes_command};
    for (const CommandDescription &action : command.actions)
        result.actions.push_back(action.name);
    for (const ArgumentDescription &argument : command.arguments)
        result.argument = value_kind(argument.value);
    return result;
}

} // namespace

ValueKind value_kind(std::string_view value) {
    if (value.empty())
        return ValueKind::none;
    const auto is_choice = [](char c) { return (c >= 'a' && c <= 'z') || c == '|'; };
    if (value.find('|') != std::string_view::npos && std::all_of(value.begin(), value.end(), is_choice))
        return ValueKind::choice;
    for (const std::string_view word : std::array<std::string_view, 4>{"FILE", "PATH", "DIR", "SPEC"})
        if (value.find(word) != std::string_view::npos)
            return ValueKind::file;
    return ValueKind::any;
}

std::string choices_of(std::string_view value) {
    std::string words(value);
    std::replace(words.begin(), words.end(), '|', ' ');
    return words;
}

std::vector<CommandPath> command_paths(const ProgramDescription &program) {
    std::vector<CommandPath> paths;
    for (const CommandDescription &command : program.commands) {
        paths.push_back(path_of(command));
        for (const CommandDescription &action : command.actions) {
            CommandPath path = path_of(action);
            path.path = command.name + " " + action.name;
            path.options.insert(path.options.end(), command.options.begin(), command.options.end());
            paths.push_back(std::move(path));
        }
    }
    return paths;
}

std::string shell_quoted(std::string_view text) {
    std::string result = "'";
    for (const char c : text)
        result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

std::string fish_quoted(std::string_view text) {
    std::string result = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\')
            result += '\\';
        result += c;
    }
    return result + "'";
}

} // namespace dbperf::client::manual
