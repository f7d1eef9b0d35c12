// Owns aligned columns of text.
#pragma once

#include "terminal/style.h"

#include <string>
#include <vector>

namespace dbperf::client::terminal {

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
