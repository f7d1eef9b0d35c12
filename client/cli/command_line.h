// Owns the reading of the command line. It is given the commands there are, and knows none of them.
#pragma once

#include "cli/command.h"
#include "cli/options.h"
#include "cli/program_description.h"

#include <optional>
#include <span>

namespace dbperf::client::cli {

struct CommandLine {
    Options options;
    Run run; // of the chosen command, with its own options
    bool reads_project = true;
};

// Prints help or the version itself and then returns nothing. Throws a usage error.
std::optional<CommandLine> parse_command_line(std::span<const Command *const> commands, int argc,
                                              const char *const *argv);

ProgramDescription describe_program(std::span<const Command *const> commands);

} // namespace dbperf::client::cli
