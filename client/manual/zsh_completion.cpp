// Completion in zsh: a function of compinit, one _arguments call for each command and action.
#include "manual/zsh_completion.h"

#include "manual/completion_words.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::manual {
using namespace cli;

namespace {

// What would end a part of a specification is text.
std::string zsh_escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == '[' || c == ']' || c == ':' || c == '\\')
            result += '\\';
        result += c;
    }
    return result;
}

// One specification for each name: options may come in any order and often.
std::string option_specifications(const std::vector<OptionDescription> &options, std::string_view indent) {
    std::string lines;
    for (const OptionDescription &option : options) {
        const ValueKind kind = value_kind(option.value);
        std::string value;
        if (kind != ValueKind::none)
            value = ":" + zsh_escaped(option.value) + ":" +
                    (kind == ValueKind::file     ? std::string("_files")
                     : kind == ValueKind::choice ? "(" + choices_of(option.value) + ")"
                                                 : std::string(" "));
        for (const std::string &name : option.names) {
            // A long option takes its value after "=", too.
            const std::string equals = kind != ValueKind::none && name.starts_with("--") ? "=" : "";
            lines +=
                fmt::format("{}{}\n", indent,
                            shell_quoted(fmt::format("*{}{}[{}]{}", name, equals, zsh_escaped(option.help), value)));
        }
    }
    return lines;
}

std::string described_words(const std::vector<CommandDescription> &commands, std::string_view indent) {
    std::string lines;
    for (const CommandDescription &command : commands)
        lines += fmt::format("{}{}\n", indent, shell_quoted(command.name + ":" + zsh_escaped(command.summary)));
    return lines;
}

std::string command_case(const CommandDescription &command, const std::vector<OptionDescription> &inherited,
                         const std::string &before);

// What a command takes in another way than all do is not offered twice.
std::string without(const std::vector<OptionDescription> &options, const std::vector<OptionDescription> &common) {
    std::string lines;
    for (const OptionDescription &option : common)
        for (const OptionDescription &own : options)
            if (own.names == option.names)
                lines += "    common=(\"${(@)common:#*" + own.names.front() + "[=\\[]*}\")\n";
    return lines;
}

std::string body_of(const CommandDescription &command, const std::vector<OptionDescription> &inherited) {
    std::vector<OptionDescription> options = command.options;
    options.insert(options.end(), inherited.begin(), inherited.end());
    std::string text = fmt::format("    own=(\n{}    )\n", option_specifications(options, "      "));
    if (!command.actions.empty()) {
        text += fmt::format("    words_of=(\n{}    )\n    _dbperf_choose && return 0\n    case $word in\n",
                            described_words(command.actions, "      "));
        for (const CommandDescription &action : command.actions)
            text += command_case(action, options, "");
        return text + "    esac\n";
    }
    std::string rest;
    for (const ArgumentDescription &argument : command.arguments)
        if (value_kind(argument.value) == ValueKind::file)
            rest = " '*:" + zsh_escaped(argument.value) + ":_files'";
    if (command.takes_command)
        rest += " '*:: :_dbperf_command'";
    return text + fmt::format("    _arguments -S $own $common{}\n", rest);
}

std::string command_case(const CommandDescription &command, const std::vector<OptionDescription> &inherited,
                         const std::string &before) {
    return fmt::format("    {})\n{}{}    ;;\n", command.name, before, body_of(command, inherited));
}

// Sets word to the first of the remaining words that is no option, or completes it.
constexpr std::string_view zsh_functions = R"(
_dbperf_choose() {
  local state line
  _arguments -S -C $own $common '(-)1: :->word' '(-)*:: :->rest' && [[ -z $state ]] && return 0
  case $state in
  word) _describe -t commands command words_of; return 0 ;;
  rest) word=$words[1] compstate[restore]=''; return 1 ;; # what is left of words is the caller's
  esac
  return 0
}

# What stands after "--" is a command with arguments of its own.
_dbperf_command() {
  local at=${words[(i)--]}
  (( at < CURRENT )) || return 1
  shift at words
  (( CURRENT -= at ))
  _normal
}

_dbperf() {
  local curcontext=$curcontext word
  local -a own common words_of
)";

} // namespace

std::string zsh_completion(const ProgramDescription &program) {
    std::string script = "#compdef dbperf\n# Made by `dbperf completion zsh`.\n";
    script += zsh_functions;
    script += fmt::format("  common=(\n{}  )\n  words_of=(\n{}  )\n  _dbperf_choose && return 0\n  case $word in\n",
                          option_specifications(program.options, "    "), described_words(program.commands, "    "));
    for (const CommandDescription &command : program.commands)
        script += command_case(command, {}, without(command.options, program.options));
    return script + "  esac\n}\n\n_dbperf \"$@\"\n";
}

} // namespace dbperf::client::manual
