#include "manual/completion_words.h"

#include "manual/bash_completion.h"
#include "manual/fish_completion.h"
#include "manual/zsh_completion.h"

#include <gtest/gtest.h>

namespace dbperf::client::manual {
using namespace cli;

namespace {

TEST(CompletionWords, kind_of_a_value) {
    EXPECT_EQ(value_kind(""), ValueKind::none);
    EXPECT_EQ(value_kind("LABEL"), ValueKind::any);
    EXPECT_EQ(value_kind("run:LABEL"), ValueKind::any);
    EXPECT_EQ(value_kind("auto|always|never"), ValueKind::choice);
    EXPECT_EQ(value_kind("LABEL|FILE"), ValueKind::file);
    EXPECT_EQ(value_kind("FORMAT=PATH"), ValueKind::file);
    EXPECT_EQ(choices_of("auto|always|never"), "auto always never");
}

TEST(CompletionWords, quotes) {
    EXPECT_EQ(shell_quoted("server's"), "'server'\\''s'");
    EXPECT_EQ(fish_quoted("server's \\ end"), "'server\\'s \\\\ end'");
}

ProgramDescription painter() {
    ProgramDescription program = {
        "paint", "1", "paints", "", {{{"-c", "--color"}, "red|blue", "the [colour]: it's", ""}}, {}};
    CommandDescription shelf = {"shelf", "a shelf", "", {{{"--label"}, "LABEL", "its name", ""}}, {}, {}, false};
    shelf.actions.push_back({"put", "puts", "", {}, {{"FILE", "the file"}}, {}, false});
    shelf.actions.push_back({"with", "shows", "", {{{"--all"}, "", "everything", ""}}, {}, {}, true});
    program.commands.push_back(shelf);
    return program;
}

TEST(CompletionWords, an_action_takes_the_options_of_its_command) {
    const std::vector<CommandPath> paths = command_paths(painter());
    ASSERT_EQ(paths.size(), 3U);
    EXPECT_EQ(paths[0].path, "shelf");
    EXPECT_EQ(paths[0].actions, (std::vector<std::string>{"put", "with"}));
    EXPECT_EQ(paths[1].path, "shelf put");
    EXPECT_EQ(paths[1].argument, ValueKind::file);
    EXPECT_EQ(paths[2].options.size(), 2U);
    EXPECT_TRUE(paths[2].takes_command);
}

TEST(CompletionScript, texts_are_quoted) {
    EXPECT_NE(zsh_completion(painter()).find("the \\[colour\\]\\: it'\\''s"), std::string::npos);
    EXPECT_NE(fish_completion(painter()).find("'the [colour]: it\\'s'"), std::string::npos);
    EXPECT_NE(bash_completion(painter()).find("'red blue'"), std::string::npos);
}

} // namespace
} // namespace dbperf::client::manual
