#include "terminal/paragraph.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace dbperf::client::terminal {
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

} // namespace dbperf::client::terminal
