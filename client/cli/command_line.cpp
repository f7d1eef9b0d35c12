// The command line as CLI11 sees it; the only file that includes CLI11.
#include "cli/command_line.h"

#include "base/error.h"
#include "base/spelling.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbperf::client::cli {
using namespace base;
using namespace postgres;
using namespace terminal;

namespace {

constexpr const char *exit_codes =
    "Exit codes: 0 clean, 1 findings, 2 usage, 3 environment (no connection, extension or privilege),\n"
    "4 internal error, 130 interrupted. `run` and `check` pass on the status of a COMMAND that fails.";

// Sets an enumeration from its word.
template <typename Value>
std::function<void(const std::string &)> one_of(Value &target, std::map<std::string, Value> words) {
    return [&target, words = std::move(words)](const std::string &word) {
        const auto found = words.find(word);
        if (found == words.end())
            throw CLI::ValidationError(fmt::format("\"{}\" is not possible here", word));
        target = found->second;
    };
}

void add_global_options(CLI::App &app, Options &options, bool &version) {
    const std::string connection =
        "Connection (as psql; also DBPERF_DATABASE_URL, PG*, DATABASE_URL, service files, .pgpass)";
    app.add_option("-h,--host", options.connection.host, "server host or socket directory")
        ->type_name("HOST")
        ->group(connection);
    app.add_option("-p,--port", options.connection.port, "server port")->type_name("PORT")->group(connection);
    app.add_option("-U,--username", options.connection.user, "database user")->type_name("NAME")->group(connection);
    app.add_option("-d,--dbname", options.connection.database, "database name, URI or conninfo string")
        ->type_name("DATABASE")
        ->group(connection);
    app.add_flag_callback(
           "-w,--no-password", [&] { options.connection.password = PasswordMode::never; }, "never ask for a password")
        ->group(connection);
    app.add_flag_callback(
           "-W,--password", [&] { options.connection.password = PasswordMode::always; }, "ask for a password at once")
        ->group(connection);

    const std::string output = "Output";
    app.add_option_function<std::string>(
           "--format",
           one_of(options.output.format,
                  {{"text", OutputFormat::text}, {"json", OutputFormat::json}, {"markdown", OutputFormat::markdown}}),
           "for people or for programs")
        ->type_name("text|json")
        ->group(output);
    app.add_option_function<std::string>(
           "--color",
           one_of(options.output.color,
                  {{"auto", ColorMode::automatic}, {"always", ColorMode::always}, {"never", ColorMode::never}}),
           "auto: on a terminal, unless NO_COLOR is set")
        ->type_name("auto|always|never")
        ->group(output);
    app.add_flag("-q,--quiet", options.output.quiet, "no progress, only results and errors")->group(output);
    app.add_flag("-v,--verbose", options.output.verbose, "say more")->group(output);
    app.add_option("--config", options.project_file,
                   "project file: connection, budgets of queries and units of work, what check does (default: "
                   "dbperf.toml here or in a folder above)")
        ->type_name("FILE")
        ->group(output);
    app.add_flag("-V,--version", version, "print the version")->group(output);
}

// In the form of this program's other messages.
std::string plain_message(const CLI::ParseError &error) {
    std::string message = error.what();
    for (const std::string_view polite :
         {"The following argument was not expected: ", "The following arguments were not expected: "})
        if (message.starts_with(polite))
            return "unexpected: " + message.substr(polite.size());
    if (message.size() > 1 && std::islower(static_cast<unsigned char>(message[1])) != 0)
        message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
    return message;
}

std::string unexpected_argument_hint(const CLI::App &app, const std::vector<std::string> &arguments) {
    std::vector<std::string_view> command_names;
    for (const CLI::App *command : app.get_subcommands([](const CLI::App *) { return true; }))
        command_names.push_back(command->get_name());
    for (const std::string &argument : arguments) {
        if (argument.starts_with("-"))
            continue;
        if (std::find(command_names.begin(), command_names.end(), argument) != command_names.end())
            break;
        if (std::string meant = did_you_mean(argument, command_names); !meant.empty())
            return meant;
    }
    const auto chosen = app.get_subcommands();
    return fmt::format("`dbperf {}--help` shows what there is", chosen.empty() ? "" : chosen.front()->get_name() + " ");
}

} // namespace

struct OptionList::Trailing {
    std::map<const CLI::App *, std::vector<std::string> *> targets;
};

OptionList::Entry &OptionList::Entry::excludes(const Entry &other) {
    option_->excludes(other.option_);
    return *this;
}

OptionList::Entry &OptionList::Entry::needs(const Entry &other) {
    option_->needs(other.option_);
    return *this;
}

OptionList::Entry &OptionList::Entry::required() {
    option_->required();
    return *this;
}

OptionList::Entry OptionList::text(const char *names, const char *value, std::string &target, const std::string &help) {
    return Entry(app_->add_option(names, target, help)->type_name(value));
}

OptionList::Entry OptionList::text(const char *names, const char *value, std::optional<std::string> &target,
                                   const std::string &help) {
    return Entry(app_->add_option(names, target, help)->type_name(value));
}

OptionList::Entry OptionList::flag(const char *names, bool &target, const std::string &help) {
    return Entry(app_->add_flag(names, target, help));
}

OptionList::Entry OptionList::count(const char *names, int &target, int limit, const std::string &help) {
    return number(names, "N", target, limit, fmt::format("{} (default: {})", help, target));
}

OptionList::Entry OptionList::number(const char *names, const char *value, int &target, int limit,
                                     const std::string &help) {
    return Entry(app_->add_option(names, target, help)->check(CLI::Range(1, limit).description(""))->type_name(value));
}

OptionList::Entry OptionList::texts(const char *names, const char *value, std::vector<std::string> &target,
                                    const std::string &help) {
    return Entry(app_->add_option(names, target, help)->type_name(value)->allow_extra_args(false));
}

OptionList::Entry OptionList::comma_list(const char *names, const char *value, std::vector<std::string> &target,
                                         const std::string &help) {
    return Entry(app_->add_option(names, target, help)->delimiter(',')->type_name(value)->allow_extra_args(false));
}

OptionList::Entry OptionList::argument(const char *value, std::string &target, const std::string &help) {
    return Entry(app_->add_option(value, target, help)->type_name(""));
}

OptionList::Entry OptionList::arguments(const char *value, std::vector<std::string> &target, const std::string &help) {
    return Entry(app_->add_option(value, target, help)->type_name(""));
}

OptionList OptionList::action(std::string &chosen, const char *name, const std::string &summary) {
    app_->require_subcommand(1);
    app_->fallthrough();
    CLI::App *action = app_->add_subcommand(name, summary);
    action->fallthrough();
    action->callback([&chosen, name] { chosen = name; });
    return {*action, *trailing_};
}

void OptionList::command(std::vector<std::string> &target) {
    trailing_->targets[app_] = &target;
}

class CommandLineParser {
public:
    explicit CommandLineParser(std::span<const Command *const> commands)
        : app_("dbperf finds database performance problems while they are still in your branch.", "dbperf") {
        app_.set_help_flag("-?,--help", "print this help");
        app_.fallthrough();
        app_.footer(exit_codes);
        app_.get_formatter()->column_width(32);
        add_global_options(app_, options_, version_);
        for (const Command *each : commands) {
            CLI::App *command = app_.add_subcommand(std::string(each->name), std::string(each->summary));
            if (!each->usage.empty()) // else it is that of all commands
                command->footer(std::string(each->usage));
            OptionList list(*command, trailing_);
            runs_[command] = each->prepare(list);
            if (each->writes_markdown)
                with_markdown_.insert(command);
            if (!each->reads_project)
                without_project_.insert(command);
        }
        app_.require_subcommand(0, 1);
    }

    std::optional<CommandLine> parse(std::vector<std::string> arguments) {
        std::vector<std::string> after; // "--"
        const auto separator = std::find(arguments.begin(), arguments.end(), "--");
        const bool separated = separator != arguments.end();
        if (separated)
            after.assign(separator + 1, arguments.end());
        arguments.erase(separator, arguments.end());
        try {
            app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
        } catch (const CLI::CallForHelp &) {
            std::cout << app_.help();
            return std::nullopt;
        } catch (const CLI::ParseError &error) {
            throw usage_error(plain_message(error), unexpected_argument_hint(app_, arguments));
        }
        if (version_) {
            std::cout << "dbperf " DBPERF_VERSION "\n";
            return std::nullopt;
        }
        if (app_.get_subcommands().empty())
            throw usage_error("a command is needed", "try `dbperf demo`, or `dbperf --help` for the list");
        const CLI::App *command = app_.get_subcommands().front();
        if (separated)
            give(*command, std::move(after));
        if (options_.output.format == OutputFormat::markdown && !with_markdown_.contains(command))
            throw usage_error(fmt::format("\"{}\" writes no markdown here", command->get_name()),
                              "--format takes text or json");
        return CommandLine{options_, runs_.at(command), !without_project_.contains(command)};
    }

    ProgramDescription describe() const {
        ProgramDescription program = {app_.get_name(), DBPERF_VERSION, app_.get_description(), exit_codes, {}, {}};
        for (const CLI::Option *each : app_.get_options())
            program.options.push_back(described(*each));
        for (const CLI::App *each : app_.get_subcommands([](const CLI::App *) { return true; })) {
            CommandDescription &command = program.commands.emplace_back(described(*each));
            if (with_markdown_.contains(each))
                command.options.push_back({{"--format"}, "text|json|markdown", "for people or for programs", ""});
        }
        return program;
    }

private:
    static OptionDescription described(const CLI::Option &option) {
        OptionDescription result = {{}, "", option.get_description(), option.get_group()};
        for (const std::string &name : option.get_snames())
            result.names.push_back("-" + name);
        for (const std::string &name : option.get_lnames())
            result.names.push_back("--" + name);
        if (option.get_items_expected_max() > 0)
            result.value = option.get_type_name();
        return result;
    }

    CommandDescription described(const CLI::App &app) const {
        CommandDescription command = {app.get_name(), app.get_description(), app.get_footer(), {}, {}, {}, false};
        if (command.usage == app_.get_footer())
            command.usage.clear();
        for (const CLI::Option *each : app.get_options()) {
            if (each == app.get_help_ptr())
                continue;
            if (each->get_positional())
                command.arguments.push_back({each->get_name(true), each->get_description()});
            else
                command.options.push_back(described(*each));
        }
        for (const CLI::App *each : app.get_subcommands([](const CLI::App *) { return true; })) {
            CommandDescription action = described(*each);
            action.usage.clear(); // it is its command's
            command.actions.push_back(std::move(action));
        }
        command.takes_command = trailing_.targets.contains(&app);
        return command;
    }

    void give(const CLI::App &command, std::vector<std::string> after) {
        const auto actions = command.get_subcommands();
        const auto target = trailing_.targets.find(actions.empty() ? &command : actions.front());
        if (target == trailing_.targets.end())
            throw usage_error(fmt::format("\"{}\" takes no command after \"--\"", command.get_name()));
        if (after.empty())
            throw usage_error("no command after \"--\"");
        *target->second = std::move(after);
    }

    CLI::App app_;
    Options options_;
    bool version_ = false;
    OptionList::Trailing trailing_;
    std::map<const CLI::App *, Run> runs_;
    std::set<const CLI::App *> with_markdown_;
    std::set<const CLI::App *> without_project_;
};

std::optional<CommandLine> parse_command_line(std::span<const Command *const> commands, int argc,
                                              const char *const *argv) {
    return CommandLineParser(commands).parse(std::vector<std::string>(argv + 1, argv + argc));
}

ProgramDescription describe_program(std::span<const Command *const> commands) {
    return CommandLineParser(commands).describe();
}

} // namespace dbperf::client::cli
