#include "cli/command_line.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

#include <array>

namespace dbperf::client::cli {
using namespace base;
using namespace postgres;
using namespace terminal;

namespace {

// What the made-up commands were given.
struct Given {
    std::string action, label, file;
    std::optional<std::string> scale;
    std::vector<std::string> files, times, specs, command;
    int repeat = 7;
    int interval_s = 0;
    bool all = false;
};
Given given;

void paint_options(OptionList &list, Given &options) {
    list.arguments("SPEC", options.specs, "what to paint");
    const auto label = list.text("-l,--label", "LABEL", options.label, "its name");
    list.text("--scale", "N", options.scale, "its size").excludes(label);
    list.texts("--file", "FILE", options.files, "a colour; may be given again");
    list.comma_list("--times", "TIME,...", options.times, "when");
    list.count("--repeat", options.repeat, 100, "coats");
    list.number("--interval", "SECONDS", options.interval_s, 100, "again (default: once)").needs(label);
    list.flag("--all", options.all, "everything");
    list.command(options.command);
}

void shelf_options(OptionList &list, Given &options) {
    list.action(options.action, "put", "puts a file on it").argument("FILE", options.file, "the file").required();
    list.action(options.action, "with", "shows it to a command").command(options.command);
}

int keep(const Context &, const Given &options) {
    given = options;
    return 5;
}

int nothing(const Context &) {
    return 6;
}

const Command paint = {"paint", "paints", "dbperf paint SPEC...", with_options<Given, paint_options, keep>};
const Command shelf = {"shelf", "a shelf", "", with_options<Given, shelf_options, keep>};
const Command rest = {"rest", "does nothing", "", without_options<nothing>};
constexpr std::array commands = {&paint, &shelf, &rest};

std::optional<CommandLine> parse(std::vector<const char *> arguments) {
    arguments.insert(arguments.begin(), "dbperf");
    return parse_command_line(commands, static_cast<int>(arguments.size()), arguments.data());
}

Given options_of(const std::vector<const char *> &arguments) {
    EXPECT_EQ(parse(arguments).value().run({}), 5);
    return given;
}

TEST(CommandLine, ConnectionFlagsAsPsql) {
    const Options options = parse({"rest", "-h", "db", "-p", "5433", "-U", "me", "-d", "shop", "-w"}).value().options;
    EXPECT_EQ(options.connection.host, "db");
    EXPECT_EQ(options.connection.port, "5433");
    EXPECT_EQ(options.connection.user, "me");
    EXPECT_EQ(options.connection.database, "shop");
    EXPECT_EQ(options.connection.password, PasswordMode::never);
}

TEST(CommandLine, GlobalFlagsStandAnywhere) {
    EXPECT_EQ(parse({"--format", "json", "rest"}).value().options.output.format, OutputFormat::json);
    EXPECT_EQ(parse({"rest", "--format", "json"}).value().options.output.format, OutputFormat::json);
    EXPECT_EQ(parse({"shelf", "put", "-p", "7", "a"}).value().options.connection.port, "7");
}

TEST(CommandLine, TheNamedCommandRunsWithItsOptions) {
    EXPECT_EQ(parse({"rest"}).value().run({}), 6);
    const Given paint_given = options_of({"paint", "-l", "x", "--all", "--repeat", "9", "--interval", "60"});
    EXPECT_EQ(paint_given.label, "x");
    EXPECT_TRUE(paint_given.all);
    EXPECT_EQ(paint_given.repeat, 9);
    EXPECT_EQ(paint_given.interval_s, 60);
    EXPECT_FALSE(paint_given.scale);
    EXPECT_EQ(options_of({"paint", "--scale", "1,2"}).scale, "1,2");
    EXPECT_EQ(options_of({"paint"}).repeat, 7);
}

TEST(CommandLine, ListsOfSeveral) {
    const Given several = options_of({"paint", "--file", "1", "--file", "2", "a", "--times", "10ms,1s", "b"});
    EXPECT_EQ(several.files, (std::vector<std::string>{"1", "2"}));
    EXPECT_EQ(several.times, (std::vector<std::string>{"10ms", "1s"}));
    EXPECT_EQ(several.specs, (std::vector<std::string>{"a", "b"}));
}

TEST(CommandLine, Actions) {
    const Given put = options_of({"shelf", "put", "a"});
    EXPECT_EQ(put.action, "put");
    EXPECT_EQ(put.file, "a");
    const Given with = options_of({"shelf", "with", "--", "ls"});
    EXPECT_EQ(with.action, "with");
    EXPECT_EQ(with.command, (std::vector<std::string>{"ls"}));
}

TEST(CommandLine, TheCommandIsAllAfterTwoDashes) {
    const Given observed = options_of({"paint", "--label", "x", "--", "make", "--", "-h", "test"});
    EXPECT_EQ(observed.label, "x");
    EXPECT_EQ(observed.command, (std::vector<std::string>{"make", "--", "-h", "test"}));
}

TEST(CommandLine, HelpIsMadeFromTheTable) {
    testing::internal::CaptureStdout();
    EXPECT_FALSE(parse({"--help"}));
    const std::string all = testing::internal::GetCapturedStdout();
    EXPECT_NE(all.find("  paint" + std::string(25, ' ') + "paints\n"), std::string::npos) << all;
    testing::internal::CaptureStdout();
    EXPECT_FALSE(parse({"paint", "--help"}));
    const std::string one = testing::internal::GetCapturedStdout();
    EXPECT_NE(one.find("coats (default: 7)"), std::string::npos) << one;
    EXPECT_NE(one.find("dbperf paint SPEC..."), std::string::npos) << one;
}

TEST(CommandLine, MistakesAreUsageErrors) {
    const auto expect = [](std::vector<const char *> arguments, const std::string &message,
                           const std::string &hint = {}) {
        expect_error([&] { parse(arguments); }, ExitCode::usage, message, hint);
    };
    expect({}, "a command is needed", "dbperf demo");
    expect({"paimt"}, "paimt", "did you mean \"paint\"?");
    expect({"paint", "--lebel", "x"}, "--lebel");
    expect({"rest", "--format", "xml"}, "\"xml\" is not possible here");
    expect({"paint", "--repeat", "0"}, "--repeat");
    expect({"paint", "--interval", "0", "-l", "x"}, "--interval");
    expect({"paint", "--interval", "5"}, "--label");
    expect({"paint", "--scale", "5", "-l", "x"}, "--label");
    expect({"paint", "--"}, "no command after");
    expect({"rest", "--", "ls"}, "\"rest\" takes no command");
    expect({"shelf", "put", "a", "--", "ls"}, "\"shelf\" takes no command");
    expect({"shelf"}, "subcommand");
    expect({"shelf", "put"}, "FILE");
}

} // namespace
} // namespace dbperf::client::cli
