#include "base/secret.h"

#include <gtest/gtest.h>

namespace dbperf::client::base {
namespace {

std::vector<std::string> found_in(const std::string &text) {
    std::vector<std::string> found;
    for (const TextSpan &each : passwords_in(text))
        found.push_back(text.substr(each.begin, each.length));
    return found;
}

using Found = std::vector<std::string>;

TEST(Secret, WhereThePasswordIs) {
    EXPECT_EQ(found_in("postgresql://u:secret@h/d"), Found{"secret"});
    EXPECT_EQ(found_in("postgres://u:a@b/c?d@h:5432/d"), Found{"a@b/c?d"});
    EXPECT_EQ(found_in("postgres://u:a?b@h/d"), Found{"a?b"});
    for (const char *text : {"postgresql//u:secret@h/d", "postgress://u:secret@h/d", "postgresql:/u:secret@h/d"})
        EXPECT_EQ(found_in(text), Found{"secret"}) << text;
    EXPECT_EQ(found_in("postgresql://h/d?user=u&password=se%20cret&sslmode=require"), Found{"se%20cret"});
    EXPECT_EQ(found_in("host=h password = 'a \\' b' user=u"), Found{"a \\' b"});
    EXPECT_EQ(found_in("password=abc"), Found{"abc"});
    EXPECT_EQ(found_in("password='abc"), Found{"abc"});
}

TEST(Secret, WhereNoneIs) {
    for (const char *text : {"", "shop", "postgresql://", "postgresql://u@h/d", "postgresql://h:5432/d@x",
                             "postgresql://u:@h", "postgresql://h/d?options=a:b@c", "postgresql://[::1]:5432/x@y",
                             "host=h user=password", "a=b password", "password=", "passwords=x", "user='password=x'"})
        EXPECT_EQ(found_in(text), Found{}) << text;
}

TEST(Secret, AmbiguousAddresses) {
    for (const char *uri : {"postgres://u:a@b@h", "postgres://u:a/b@h/d", "postgres://u:a?b@h/d"})
        EXPECT_TRUE(is_ambiguous_uri(uri)) << uri;
    for (const char *uri : {"postgres://u:a%40b@h", "postgres://u:ab@h/d?x=a@b", "postgres://h:1/d@e", "host=a@b:c@d"})
        EXPECT_FALSE(is_ambiguous_uri(uri)) << uri;
}

TEST(Secret, ArgumentsLoseThemAndMessagesDo) {
    std::string program = "dbperf", whole = "postgresql://u:first%21@h", option = "--from=host=h password=second",
                apart = "--", foreign = "postgresql://u:third@h";
    char *arguments[] = {program.data(), whole.data(), option.data(), apart.data(), foreign.data()};
    EXPECT_TRUE(conceal_arguments(5, arguments));
    EXPECT_EQ(whole, "postgresql://u:********@h");
    EXPECT_EQ(option, "--from=host=h password=******");
    EXPECT_EQ(foreign, "postgresql://u:third@h");
    EXPECT_EQ(without_passwords("first! first%21 second third"), "*** *** *** third");
}

} // namespace
} // namespace dbperf::client::base
