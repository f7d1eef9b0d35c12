#include "manual/man_page.h"

#include <gtest/gtest.h>

namespace dbperf::client::manual {
using namespace cli;

namespace {

std::string page_with(const std::string &usage, const std::string &help) {
    ProgramDescription program = {"paint", "1.0", "paints", "", {}, {}};
    program.commands.push_back({"shelf", "a shelf", usage, {{{"-l", "--label"}, "LABEL", help, ""}}, {}, {}, false});
    return man_page(program);
}

TEST(ManPage, an_option) {
    EXPECT_NE(page_with("", "its name").find(".TP\n\\fB\\-l\\fR, \\fB\\-\\-label\\fR \\fILABEL\\fR\nIts name.\n"),
              std::string::npos);
}

TEST(ManPage, no_text_is_a_request_or_an_escape) {
    const std::string page = page_with("paint shelf\n.so /etc/passwd\n'br\n\nIt is a\\nshelf.", "`it`");
    EXPECT_NE(page.find("\n\\&.so /etc/passwd\n\\&\\(aqbr\n.fi\n"), std::string::npos);
    EXPECT_NE(page.find("It is a\\enshelf."), std::string::npos);
    EXPECT_NE(page.find("\\(gait\\(ga."), std::string::npos);
}

} // namespace
} // namespace dbperf::client::manual
