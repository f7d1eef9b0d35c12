// Owns how a command declares what it may be given: names, values, help. CLI11 is behind it, and seen by one source.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace dbperf::client::cli {

// Targets keep their value where the command line names none, and must outlive the parse. Names are as "-c,--set"; a
// value is the word that stands for it in the help.
class OptionList {
public:
    class Entry {
    public:
        explicit Entry(CLI::Option *option) : option_(option) {}
        Entry &excludes(const Entry &other);
        Entry &needs(const Entry &other);
        Entry &required();

    private:
        CLI::Option *option_;
    };

    Entry text(const char *names, const char *value, std::string &target, const std::string &help);
    Entry text(const char *names, const char *value, std::optional<std::string> &target, const std::string &help);
    Entry flag(const char *names, bool &target, const std::string &help);
    // A whole number from 1 to the limit; the help ends with the default.
    Entry count(const char *names, int &target, int limit, const std::string &help);
    // The same for a target whose default is no such number: the help says what it means.
    Entry number(const char *names, const char *value, int &target, int limit, const std::string &help);
    // One value each time the option is given.
    Entry texts(const char *names, const char *value, std::vector<std::string> &target, const std::string &help);
    // Values with commas between them.
    Entry comma_list(const char *names, const char *value, std::vector<std::string> &target, const std::string &help);
    // Without a name, in its place.
    Entry argument(const char *value, std::string &target, const std::string &help);
    Entry arguments(const char *value, std::vector<std::string> &target, const std::string &help);

    // One of the actions that the command must be given; its name is left in `chosen`.
    OptionList action(std::string &chosen, const char *name, const std::string &summary);

    // All after "--".
    void command(std::vector<std::string> &target);

private:
    friend class CommandLineParser;
    struct Trailing; // who takes what stands after "--"
    OptionList(CLI::App &app, Trailing &trailing) : app_(&app), trailing_(&trailing) {}
    CLI::App *app_;
    Trailing *trailing_;
};

} // namespace dbperf::client::cli
