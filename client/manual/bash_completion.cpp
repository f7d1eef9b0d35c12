// Completion in bash: what the program takes, as two case statements, and one function that reads the line with them.
#include "manual/bash_completion.h"

#include "manual/completion_words.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::manual {
using namespace cli;

namespace {

// The line is read from its beginning: what is the value of an option is neither command nor action.
constexpr std::string_view reader = R"(
_dbperf()
{
    local cur=${COMP_WORDS[COMP_CWORD]} path='' word value='' options actions argument command i
    COMPREPLY=()
    _dbperf_takes ''
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then
            continue
        elif [[ -n $value ]]; then
            [[ ${COMP_WORDS[i + 1]} == = ]] || value=''
        elif [[ $word == -- ]]; then
            [[ -n $command ]] || return 0
            if declare -F _command_offset >/dev/null; then
                _command_offset $((i + 1))
            elif ((i + 1 == COMP_CWORD)); then
                mapfile -t COMPREPLY < <(compgen -c -- "$cur")
            else
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            fi
            return 0
        elif [[ $word == -* ]]; then
            _dbperf_value "$path" "$word"
        elif [[ " $actions " == *" $word "* ]]; then
            path=${path:+$path }$word
            _dbperf_takes "$path"
        fi
    done
    [[ $cur != = ]] || cur=''
    case $value in
    '') ;;
    FILE)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return 0
        ;;
    ANY) return 0 ;;
    *)
        mapfile -t COMPREPLY < <(compgen -W "$value" -- "$cur")
        return 0
        ;;
    esac
    if [[ $cur == -* || ( -z $actions && $argument != FILE ) ]]; then
        [[ -z $command ]] || options+=' --'
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    elif [[ -n $actions ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$actions" -- "$cur")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}

complete -F _dbperf dbperf
)";

std::string names_of(const std::vector<OptionDescription> &options) {
    std::string names;
    for (const OptionDescription &option : options)
        for (const std::string &name : option.names)
            names += (names.empty() ? "" : " ") + name;
    return names;
}

std::string value_cases(const std::string &path, const std::vector<OptionDescription> &options) {
    std::string cases;
    for (const OptionDescription &option : options) {
        const ValueKind kind = value_kind(option.value);
        if (kind == ValueKind::none)
            continue;
        std::string patterns;
        for (const std::string &name : option.names)
            patterns += (patterns.empty() ? "" : " | ") + (path.empty() ? "*' " : "'" + path + " ") + name + "'";
        cases += fmt::format("    {}) value={} ;;\n", patterns,
                             shell_quoted(kind == ValueKind::choice ? choices_of(option.value)
                                          : kind == ValueKind::file ? "FILE"
                                                                    : "ANY"));
    }
    return cases;
}

} // namespace

std::string bash_completion(const ProgramDescription &program) {
    const std::vector<CommandPath> paths = command_paths(program);
    std::string script = "# bash completion for dbperf, made by `dbperf completion bash`.\n\n";
    script += "_dbperf_value() # COMMAND OPTION: the choices of its value, FILE, ANY, or nothing\n{\n"
              "    case \"$1 $2\" in\n";
    for (const CommandPath &path : paths)
        script += value_cases(path.path, path.options);
    script += value_cases("", program.options) + "    *) value='' ;;\n    esac\n}\n\n";
    std::string commands;
    for (const CommandDescription &command : program.commands)
        commands += (commands.empty() ? "" : " ") + command.name;
    script += fmt::format("_dbperf_takes() # COMMAND\n{{\n    options={} actions='' argument='' command=''\n"
                          "    case $1 in\n    '') actions={} ;;\n",
                          shell_quoted(names_of(program.options)), shell_quoted(commands));
    for (const CommandPath &path : paths) {
        std::string actions;
        for (const std::string &action : path.actions)
            actions += (actions.empty() ? "" : " ") + action;
        script +=
            fmt::format("    {})\n        options+={}\n        actions={} argument={} command={}\n        ;;\n",
                        shell_quoted(path.path), shell_quoted(" " + names_of(path.options)), shell_quoted(actions),
                        path.argument == ValueKind::file ? "FILE" : "''", path.takes_command ? "yes" : "''");
    }
    return script + "    esac\n}\n" + std::string(reader);
}

} // namespace dbperf::client::manual
