// Owns what the program may be given, as plain data: completions and the man page are made of it.
#pragma once

#include <string>
#include <vector>

namespace dbperf::client::cli {

struct OptionDescription {
    std::vector<std::string> names; // with their dashes
    std::string value;              // the word that stands for it in the help; empty: it takes none
    std::string help;
    std::string group; // of options that all commands have
};

struct ArgumentDescription {
    std::string value;
    std::string help;
};

struct CommandDescription {
    std::string name;
    std::string summary;
    std::string usage;                      // lines as they are, then a text after an empty line; may be empty
    std::vector<OptionDescription> options; // its own; one of all commands where it takes more values there
    std::vector<ArgumentDescription> arguments;
    std::vector<CommandDescription> actions;
    bool takes_command = false; // after "--"
};

struct ProgramDescription {
    std::string name;
    std::string version;
    std::string summary;
    std::string exit_codes;
    std::vector<OptionDescription> options; // those of every command
    std::vector<CommandDescription> commands;
};

} // namespace dbperf::client::cli
