#include "manual/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbperf::client::manual {
using namespace cli;

namespace {

// Nothing in it is a request, an escape or a typographic sign.
std::string roff(std::string_view text) {
    std::string result;
    bool at_line_start = true;
    for (const char c : text) {
        if (at_line_start && (c == '.' || c == '\''))
            result += "\\&";
        at_line_start = c == '\n';
        switch (c) {
        case '\\':
            result += "\\e";
            break;
        case '-':
            result += "\\-";
            break;
        case '`':
            result += "\\(ga";
            break;
        case '\'':
            result += "\\(aq";
            break;
        case '^':
            result += "\\(ha";
            break;
        case '~':
            result += "\\(ti";
            break;
        default:
            result += c;
        }
    }
    return result;
}

// A sentence out of a summary; a name of its own, or a word of a choice, at its beginning stays as it is.
std::string sentence(std::string_view text) {
    std::string result(text);
    if (!result.empty() && !text.starts_with("dbperf") && text.substr(0, text.find(' ')).find(':') == text.npos)
        result[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(result[0])));
    if (!result.empty() && result.back() != '.')
        result += '.';
    return roff(result);
}

std::string option_entries(const std::vector<OptionDescription> &options) {
    std::string text;
    for (const OptionDescription &option : options) {
        std::string names;
        for (const std::string &name : option.names)
            names += (names.empty() ? "\\fB" : ", \\fB") + roff(name) + "\\fR";
        if (!option.value.empty())
            names += " \\fI" + roff(option.value) + "\\fR";
        text += ".TP\n" + names + "\n" + sentence(option.help) + "\n";
    }
    return text;
}

// What stands in parentheses behind the name of a group is text.
std::string group_heading(std::string_view group) {
    const std::size_t open = group.find(" (");
    std::string text = ".SS " + roff(group.substr(0, open)) + "\n";
    if (open != std::string_view::npos && group.ends_with(')'))
        text += sentence(group.substr(open + 2, group.size() - open - 3)) + "\n";
    return text;
}

std::string argument_entries(const std::vector<ArgumentDescription> &arguments) {
    std::string text;
    for (const ArgumentDescription &argument : arguments)
        text += ".TP\n\\fI" + roff(argument.value) + "\\fR\n" + sentence(argument.help) + "\n";
    return text;
}

// Lines as they are, then text that is filled.
std::string usage_text(std::string_view usage) {
    if (usage.empty())
        return {};
    const std::size_t end = std::min(usage.find("\n\n"), usage.size());
    std::string text = ".PP\n.nf\n" + roff(usage.substr(0, end)) + "\n.fi\n";
    std::string_view rest = usage.substr(end);
    while (rest.starts_with('\n'))
        rest.remove_prefix(1);
    if (!rest.empty())
        text += ".PP\n" + roff(rest) + "\n";
    return text;
}

std::string command_section(const CommandDescription &command) {
    std::string text = ".SS " + roff(command.name) + "\n" + sentence(command.summary) + "\n" +
                       usage_text(command.usage) + argument_entries(command.arguments) +
                       option_entries(command.options);
    for (const CommandDescription &action : command.actions) {
        text += ".TP\n\\fB" + roff(command.name + " " + action.name) + "\\fR\n" + sentence(action.summary) + "\n";
        if (!action.arguments.empty() || !action.options.empty())
            text += ".RS\n" + argument_entries(action.arguments) + option_entries(action.options) + ".RE\n";
    }
    return text;
}

constexpr std::string_view environment_section = R"(.SH ENVIRONMENT
.TP
\fBDBPERF_DATABASE_URL\fR
Where to connect, as a URI or conninfo string; stands above \fBPG*\fR and \fBDATABASE_URL\fR.
.TP
\fBDBPERF_RESULTS_DATABASE_URL\fR
A results database of its own, for \fBpush\fR, \fBcollect\fR and the option \fB\-\-results\-db\fR.
.TP
\fBPGHOST\fR, \fBPGPORT\fR, \fBPGUSER\fR, \fBPGDATABASE\fR, \fBPGPASSWORD\fR, \fBPGSERVICE\fR ...
As for every program that uses libpq.
.TP
\fBNO_COLOR\fR
No colours unless \fB\-\-color always\fR is given.
.SH FILES
.TP
\fIdbperf.toml\fR
The project file: in the current folder or one above it.
)";

} // namespace

std::string man_page(const ProgramDescription &program) {
    std::string title = program.name;
    std::transform(title.begin(), title.end(), title.begin(),
                   [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
    const std::string name = roff(program.name);
    std::string text = fmt::format(".\\\" Made by `{} man`.\n.TH {} 1 \"\" \"{} {}\" \"User Commands\"\n", program.name,
                                   title, name, roff(program.version));
    text += ".SH NAME\n" + name + " \\- find database performance problems before they are merged\n";
    text += fmt::format(".SH SYNOPSIS\n\\fB{0}\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n.br\n"
                        "\\fB{0}\\fR \\fICOMMAND\\fR \\fB\\-\\-help\\fR\n",
                        name);
    text +=
        ".SH DESCRIPTION\n" + sentence(program.summary) +
        "\nIt needs a PostgreSQL server that has the extension dbperf loaded; \\fBdoctor\\fR says what is missing.\n";
    text += ".SH OPTIONS\nThese may be given with every command.\n";
    std::string group = "Options";
    std::vector<OptionDescription> options;
    for (const OptionDescription &option : program.options) {
        if (option.group != group) {
            text += option_entries(std::exchange(options, {})) + group_heading(option.group);
            group = option.group;
        }
        options.push_back(option);
    }
    text += option_entries(options) + ".SH COMMANDS\n";
    for (const CommandDescription &command : program.commands)
        text += command_section(command);
    text += ".SH EXIT STATUS\n" + roff(program.exit_codes) + "\n";
    return text + std::string(environment_section) + ".SH SEE ALSO\n\\fBpsql\\fR(1)\n";
}

} // namespace dbperf::client::manual
