#include "terminal/table.h"

#include <algorithm>
#include <utility>

namespace dbperf::client::terminal {
namespace {

constexpr int gap = 2;
constexpr int narrowest_flexible = 12;

std::string padded(const std::string &text, int width, Table::Align align) {
    const int missing = std::max(0, width - display_width(text));
    const std::string spaces(static_cast<std::size_t>(missing), ' ');
    return align == Table::Align::right ? spaces + text : text + spaces;
}

} // namespace

Table &Table::column(std::string title, Align align, bool flexible) {
    columns_.push_back({std::move(title), align, flexible});
    return *this;
}

void Table::row(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    rows_.push_back(std::move(cells));
}

std::string Table::render(const Style &style, int indent) const {
    std::vector<int> widths;
    int total = indent - gap;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        int width = display_width(columns_[i].title);
        for (const auto &row : rows_)
            width = std::max(width, display_width(row[i]));
        widths.push_back(width);
        total += width + gap;
    }
    for (std::size_t i = columns_.size(); i-- > 0 && total > style.width();)
        if (columns_[i].flexible) {
            const int narrower = std::max(narrowest_flexible, widths[i] - (total - style.width()));
            total -= widths[i] - std::min(widths[i], narrower);
            widths[i] = std::min(widths[i], narrower);
        }
    const auto line = [&](const std::vector<std::string> &cells) {
        std::string text(static_cast<std::size_t>(indent), ' ');
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::string cell = columns_[i].flexible ? shorten(cells[i], widths[i]) : cells[i];
            text += padded(cell, widths[i], columns_[i].align) + std::string(gap, ' ');
        }
        while (!text.empty() && text.back() == ' ')
            text.pop_back();
        return text;
    };
    std::vector<std::string> titles;
    for (const Column &column : columns_)
        titles.push_back(column.title);
    std::string text = style.dim(line(titles)) + "\n";
    for (const auto &row : rows_)
        text += line(row) + "\n";
    return text;
}

} // namespace dbperf::client::terminal
