#include "terminal/table.h"

#include <gtest/gtest.h>

namespace dbperf::client::terminal {
namespace {

TEST(OneLine, MakesTextOfOthersHarmless) {
    EXPECT_EQ(one_line("SELECT\n\t 1  "), "SELECT 1");
    EXPECT_EQ(one_line("\033[31mred\033[0m\a"), "[31mred [0m");
    EXPECT_EQ(one_line("a\xC2\x9B"
                       "31mb"),
              "a 31mb");
    EXPECT_EQ(one_line("größe"), "größe");
}

TEST(DisplayWidth, CountsColumns) {
    EXPECT_EQ(display_width("abc"), 3);
    EXPECT_EQ(display_width("größe"), 5);
    EXPECT_EQ(display_width("\033[31mred\033[0m"), 3);
    EXPECT_EQ(display_width("日本"), 4);
    EXPECT_EQ(display_width("\xF0\x9F\x90\x98"), 2);
    EXPECT_EQ(display_width("\033"), 0); // not a full sequence: no endless loop
}

TEST(Shorten, CutsWholeCharacters) {
    EXPECT_EQ(shorten("abcdef", 6), "abcdef");
    EXPECT_EQ(shorten("abcdefg", 6), "abc...");
    EXPECT_EQ(shorten("ääääääää", 6), "äää...");
    EXPECT_EQ(shorten("日本日本日本", 6), "日...");
}

TEST(Figures, ThreeDigits) {
    EXPECT_EQ(format_ms(0.0421), "0.042 ms");
    EXPECT_EQ(format_ms(3.1), "3.10 ms");
    EXPECT_EQ(format_ms(12.34), "12.3 ms");
    EXPECT_EQ(format_ms(120), "120 ms");
    EXPECT_EQ(format_ms(1250), "1.25 s");
    EXPECT_EQ(format_count(1234567), "1,234,567");
    EXPECT_EQ(format_count(999), "999");
    EXPECT_EQ(format_count(-1234), "-1,234");
    EXPECT_EQ(format_count(-0.2), "0");
    EXPECT_EQ(format_change(39, 5), "39 -> 5");
    EXPECT_EQ(format_change(std::nullopt, 5), "? -> 5");
    EXPECT_EQ(format_change(std::nullopt, std::nullopt), "-");
    EXPECT_EQ(plural(1, "query", "queries"), "1 query");
}

TEST(Table, AlignsAndFitsThePage) {
    const Style style = Style::choose(ColorMode::never);
    Table table;
    table.column("query", Table::Align::left, true).column("calls", Table::Align::right);
    table.row({"a", "1"});
    table.row({std::string(200, 'x'), "1,000"});
    const std::string text = table.render(style, 2);
    EXPECT_NE(text.find("\n  a "), std::string::npos);
    EXPECT_NE(text.find("xxx...  1,000\n"), std::string::npos);
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
        EXPECT_LE(static_cast<int>(end - at), style.width());
}

TEST(Paragraph, KeepsItsColumn) {
    const Style style = Style::choose(ColorMode::never);
    std::string words;
    for (int i = 0; i < 40; ++i)
        words += "word ";
    const std::string text = paragraph(style, 2, "label", words);
    EXPECT_TRUE(text.starts_with("  label          word"));
    EXPECT_NE(text.find("\n                 word"), std::string::npos);
    EXPECT_TRUE(paragraph(style, 2, "label", "").empty());
}

} // namespace
} // namespace dbperf::client::terminal
