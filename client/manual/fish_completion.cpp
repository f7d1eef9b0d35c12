// Completion in fish: one `complete` for each word, under a function that says where in the line it stands.
#include "manual/fish_completion.h"

#include "manual/completion_words.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::manual {
using namespace cli;

namespace {

constexpr std::string_view fish_functions = R"(
function __dbperf_at --description 'whether command and action so far are these'
    set -l path
    set -l value no
    for word in (commandline -opc)[2..-1]
        if test $value = yes
            set value no
        else if test "$word" = --
            set path --
            break
        else if contains -- "$word" $__dbperf_with_value
            set value yes
        else if not string match -q -- '-*' $word
            contains -- "$path $word" $__dbperf_paths; and set path (string trim "$path $word")
        end
    end
    test "$path" = "$argv"
end

function __dbperf_after_separator
    set -l tokens (commandline -opc) (commandline -ct)
    set -l at (contains -i -- -- $tokens); or return
    complete -C (string join ' ' -- (string escape -- $tokens[(math $at + 1)..-2]) $tokens[-1])
end
)";

std::string condition(const std::string &path) {
    return "'__dbperf_at " + path + "'";
}

std::string option_lines(const std::string &path, const std::vector<OptionDescription> &options) {
    std::string lines;
    for (const OptionDescription &option : options) {
        std::string line = "complete -c dbperf";
        line += path.empty() ? " -n 'not __dbperf_at --'" : " -n " + condition(path);
        for (const std::string &name : option.names)
            line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + fish_quoted(name.substr(1));
        switch (value_kind(option.value)) {
        case ValueKind::none:
            break;
        case ValueKind::any:
            line += " -x";
            break;
        case ValueKind::file:
            line += " -rF";
            break;
        case ValueKind::choice:
            line += " -xa " + fish_quoted(choices_of(option.value));
            break;
        }
        lines += line + " -d " + fish_quoted(option.help) + "\n";
    }
    return lines;
}

std::string word_lines(const std::string &path, const std::vector<CommandDescription> &commands) {
    std::string lines;
    for (const CommandDescription &command : commands)
        lines += fmt::format("complete -c dbperf -n {} -a {} -d {}\n", condition(path.empty() ? "''" : path),
                             command.name, fish_quoted(command.summary));
    return lines;
}

} // namespace

std::string fish_completion(const ProgramDescription &program) {
    const std::vector<CommandPath> paths = command_paths(program);
    std::string all_paths;
    std::string with_value;
    const auto add_values = [&](const std::vector<OptionDescription> &options) {
        for (const OptionDescription &option : options)
            for (const std::string &name : option.names)
                if (value_kind(option.value) != ValueKind::none)
                    with_value += " " + fish_quoted(name);
    };
    add_values(program.options);
    for (const CommandPath &path : paths) {
        all_paths += " " + fish_quoted((path.path.find(' ') == std::string::npos ? " " : "") + path.path);
        add_values(path.options);
    }
    std::string script = "# fish completion for dbperf, made by `dbperf completion fish`.\n";
    script += fmt::format("set -g __dbperf_paths{}\nset -g __dbperf_with_value{}\n", all_paths, with_value);
    script += fish_functions;
    script += "\ncomplete -c dbperf -f\n" + option_lines("", program.options) + word_lines("", program.commands);
    for (const CommandDescription &command : program.commands)
        script += word_lines(command.name, command.actions);
    for (const CommandPath &path : paths) {
        script += option_lines(path.path, path.options);
        if (path.argument == ValueKind::file)
            script += fmt::format("complete -c dbperf -n {} -F\n", condition(path.path));
    }
    script += "complete -c dbperf -n '__dbperf_at --' -a '(__dbperf_after_separator)'\n";
    return script;
}

} // namespace dbperf::client::manual
