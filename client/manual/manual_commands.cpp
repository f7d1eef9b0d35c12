#include "manual/manual_commands.h"

#include "cli/command_line.h"
#include "manual/bash_completion.h"
#include "manual/fish_completion.h"
#include "manual/zsh_completion.h"
#include "manual/man_page.h"

#include <fmt/format.h>

#include <string>

namespace dbperf::client::manual {
using namespace cli;

namespace {

struct CompletionOptions {
    std::string shell;
};

void completion_options(OptionList &list, CompletionOptions &options) {
    list.action(options.shell, "bash", "for bash 4.2 and later");
    list.action(options.shell, "zsh", "for zsh, as a function of compinit");
    list.action(options.shell, "fish", "for fish 3.1 and later");
}

int completion(const Context &context, const CompletionOptions &options) {
    const ProgramDescription program = describe_program(context.commands);
    fmt::print("{}", options.shell == "bash"  ? bash_completion(program)
                     : options.shell == "zsh" ? zsh_completion(program)
                                              : fish_completion(program));
    return 0;
}

int man(const Context &context) {
    fmt::print("{}", man_page(describe_program(context.commands)));
    return 0;
}

} // namespace

const Command completion_command = {
    .name = "completion",
    .summary = "completions for bash, zsh or fish",
    .usage = "source <(dbperf completion bash)\n"
             "dbperf completion zsh >~/.zfunc/_dbperf\n"
             "dbperf completion fish >~/.config/fish/completions/dbperf.fish\n"
             "\n"
             "Prints a script for the shell. The installation has all three where the shells look for them.",
    .prepare = with_options<CompletionOptions, completion_options, completion>,
    .reads_project = false,
};

const Command man_command = {
    .name = "man",
    .summary = "the manual page, in roff",
    .usage = "dbperf man >dbperf.1\n"
             "dbperf man | man -l -",
    .prepare = without_options<man>,
    .reads_project = false,
};

} // namespace dbperf::client::manual
