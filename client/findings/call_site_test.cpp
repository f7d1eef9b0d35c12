#include "findings/call_site.h"

#include <gtest/gtest.h>

namespace dbperf::client::findings {
namespace {

TEST(Locations, AreRelativeToTheRepository) {
    EXPECT_EQ(path_below("/repo", "/repo/queries/a.sql"), "queries/a.sql");
    EXPECT_EQ(path_below("/repo", "queries/../queries/a.sql"), "queries/a.sql");
    EXPECT_EQ(path_below("/repo", "/repository/a.sql"), "/repository/a.sql");
    EXPECT_EQ(path_below("/repo", ""), "");
    EXPECT_EQ(path_below("", "/a.sql"), "/a.sql");
}

TEST(CallSite, FileAndLine) {
    const auto expect = [](std::string_view site, const std::string &file, int line) {
        const SourceLine found = line_of_call_site(site);
        EXPECT_EQ(found.file, file) << site;
        EXPECT_EQ(found.line, line) << site;
    };
    expect("action='list',source_location='app%2Fmodels%2Fuser.rb%3A12%3Ain%20%60each%27'", "app/models/user.rb", 12);
    expect("line='app/models/user.rb:12:in `each'", "app/models/user.rb", 12);
    expect("file='shop/views.py',line='88'", "shop/views.py", 88);
    expect("file='shop/views.py'", "shop/views.py", 0);
    expect("caller='C%3A%5Capp%5Cx.cs%3A7'", "C:\\app\\x.cs", 7);
    expect("controller='orders',action='index'", "", 0);
    expect("", "", 0);
    expect("line='", "", 0);
    expect("line=''", "", 0);
    expect("line='12'", "", 0);
    expect("source_location='%zz%3'", "", 0);
}

} // namespace
} // namespace dbperf::client::findings
