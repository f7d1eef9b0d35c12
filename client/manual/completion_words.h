// Owns what can stand where on the command line, without the grammar of any shell.
#pragma once

#include "cli/program_description.h"

#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::manual {

enum class ValueKind { none, any, file, choice };

// What the word for a value in the help means: "auto|always|never" are choices, FILE, PATH and DIR are files.
ValueKind value_kind(std::string_view value);

// "auto|always|never" as "auto always never".
std::string choices_of(std::string_view value);

// A command, or a command with its action.
struct CommandPath {
    std::string path;                            // "run", "baseline export"
    std::string summary;                         // of the last word
    std::vector<std::string> actions;            // one of which must follow
    std::vector<cli::OptionDescription> options; // its own, an action's with those of its command
    ValueKind argument = ValueKind::none;
    bool takes_command = false; // after "--"
};

std::vector<CommandPath> command_paths(const cli::ProgramDescription &program);

// In single quotes as bash and zsh read them; fish: its backslashes are read, too.
std::string shell_quoted(std::string_view text);
std::string fish_quoted(std::string_view text);

} // namespace dbperf::client::manual
