// Owns text in its place on a terminal: aligned columns, lines of "label  text" broken at words, and numbers written
// for people.
#pragma once

#include "terminal/style.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::terminal {

// "0.042 ms", "3.10 ms", "120 ms", "1.25 s": three significant digits.
std::string format_ms(double milliseconds);

// "12,345".
std::string format_count(double count);

// "39 -> 5", "-" when nothing is known.
std::string format_change(std::optional<double> before, std::optional<double> after);

// "1 query", "5 queries".
std::string plural(long long count, std::string_view one, std::string_view many);

// Ends with a newline. Nothing at all for an empty text.
std::string paragraph(const Style &style, int indent, std::string_view label, std::string_view text);

// The same on one line however long it is: for what is copied from the screen.
std::string verbatim(const Style &style, int indent, std::string_view label, std::string_view text);

// Text broken at words, every line indented.
std::string wrapped(const Style &style, int indent, std::string_view text);

// A heading with a rule below it.
std::string heading(const Style &style, std::string_view text);

class Table {
public:
    enum class Align { left, right };

    // The last left-aligned column given as flexible is shortened until the table fits the page.
    Table &column(std::string title, Align align = Align::left, bool flexible = false);

    void row(std::vector<std::string> cells);
    bool empty() const { return rows_.empty(); }

    // Every line begins with the indent and ends with a newline.
    std::string render(const Style &style, int indent) const;

private:
    struct Column {
        std::string title;
        Align align;
        bool flexible;
    };
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

} // namespace dbperf::client::terminal
