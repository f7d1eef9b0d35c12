#include "terminal/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

namespace dbperf::client::terminal {

std::string format_ms(double milliseconds) {
    const bool seconds = milliseconds >= 1000;
    const double value = seconds ? milliseconds / 1000 : milliseconds;
    const int digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : value >= 0.9995 ? 2 : 3;
    return fmt::format("{:.{}f} {}", value, digits, seconds ? "s" : "ms");
}

std::string format_count(double count) {
    std::string digits = fmt::format("{:.0f}", std::abs(count));
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return (count < -0.5 ? "-" : "") + digits;
}

std::string format_change(std::optional<double> before, std::optional<double> after) {
    if (!before && !after)
        return "-";
    const auto side = [](std::optional<double> value) { return value ? format_count(*value) : std::string("?"); };
    return side(before) + " -> " + side(after);
}

std::string plural(long long count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", format_count(static_cast<double>(count)), count == 1 ? one : many);
}

namespace {

constexpr int label_width = 15;

std::string spaces(int count) {
    return std::string(static_cast<std::size_t>(count), ' ');
}

// The first line goes on at a column, the others begin at the margin.
std::string broken_at_words(int width, int column, int margin, std::string_view text) {
    std::string result;
    bool first = true;
    std::istringstream words{std::string(text)};
    for (std::string word; words >> word;) {
        const int columns = display_width(word);
        if (!first && column + 1 + columns > width) {
            result += "\n" + spaces(margin);
            column = margin;
            first = true;
        }
        result += first ? word : " " + word;
        column += columns + (first ? 0 : 1);
        first = false;
    }
    return result + "\n";
}

} // namespace

std::string paragraph(const Style &style, int indent, std::string_view label, std::string_view text) {
    if (text.empty())
        return {};
    const int gap = std::max(2, label_width - display_width(label));
    const std::string start = spaces(indent) + style.dim(label) + spaces(gap);
    return start + broken_at_words(style.width(), indent + display_width(label) + gap, indent + label_width, text);
}

std::string verbatim(const Style &style, int indent, std::string_view label, std::string_view text) {
    const int gap = std::max(2, label_width - display_width(label));
    return spaces(indent) + style.dim(label) + spaces(gap) + std::string(text) + "\n";
}

std::string wrapped(const Style &style, int indent, std::string_view text) {
    return spaces(indent) + broken_at_words(style.width(), indent, indent, text);
}

std::string heading(const Style &style, std::string_view text) {
    return fmt::format("{}\n{}\n", style.bold(text),
                       style.dim(std::string(static_cast<std::size_t>(style.width()), '-')));
}

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
