#include "queries/captured_statement.h"

#include "base/error.h"

#include <gtest/gtest.h>

namespace dbperf::client::queries {
using namespace base;
using namespace postgres;

namespace {

TEST(ArrayLiteral, nothing_in_an_element_ends_it) {
    EXPECT_EQ(array_literal({}), "{}");
    EXPECT_EQ(array_literal({"a", std::nullopt, "", "NULL"}), R"({"a",NULL,"","NULL"})");
    EXPECT_EQ(array_literal({R"(x","y)", R"(\)", "{1,2}", "'"}), R"({"x\",\"y","\\","{1,2}","'"})");
}

TEST(CapturedRequest, role_settings_statement_and_values) {
    const CapturedStatement statement{"SELECT $1, $2",
                                      {"integer", "shop.state"},
                                      {"7", std::nullopt},
                                      "clerk",
                                      {{"search_path", "\"$user\", public"}}};
    EXPECT_EQ(
        captured_request("execute", statement),
        R"({"execute","clerk","1","search_path","\"$user\", public","SELECT $1, $2","2","integer","7","shop.state",NULL})");
}

TEST(CapturedRow, columns_of_any_content) {
    using Row = std::vector<Parameter>;
    EXPECT_EQ(captured_row(""), Row{});
    EXPECT_EQ(captured_row("n"), Row{std::nullopt});
    EXPECT_EQ(captured_row("3:1:nn0:5:n 3:x"), (Row{"1:n", std::nullopt, "", "n 3:x"}));
    for (const char *broken : {"x", "3", "3:ab", ":", "-1:a", "1:ab", "99999999999999999999:a"})
        EXPECT_THROW(captured_row(broken), Error) << broken;
}

TEST(CapturedEnd, columns_and_rows) {
    const CapturedEnd end = captured_end("-f 12");
    EXPECT_EQ(end.floating, (std::vector<bool>{false, true}));
    EXPECT_EQ(end.rows, 12);
    EXPECT_TRUE(captured_end(" 3").floating.empty());
    EXPECT_EQ(captured_end(" 3").rows, 3);
    for (const char *broken : {"", "-f", "-f ", "-f x", "-f 1x"})
        EXPECT_THROW(captured_end(broken), Error) << broken;
}

} // namespace
} // namespace dbperf::client::queries
