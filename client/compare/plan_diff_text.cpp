#include "compare/plan_diff_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::compare {
using namespace terminal;

namespace {

constexpr std::string_view separator = " | ";
constexpr int deepest_indent = 16;

// Mark, indentation and text in exactly the width of a column.
std::string cell(std::string_view mark, int depth, std::string_view text, int width) {
    const auto room = static_cast<std::size_t>(std::min(2 * depth, deepest_indent));
    const std::string line = shorten(std::string(mark) + " " + std::string(room, ' ') + one_line(text), width);
    return line + std::string(static_cast<std::size_t>(std::max(0, width - display_width(line))), ' ');
}

std::string row(const std::string &left, const std::string &right, int indent) {
    std::string line = std::string(static_cast<std::size_t>(indent), ' ') + left + std::string(separator) + right;
    return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

} // namespace

std::string render_plan_diff(const std::vector<AlignedLine> &lines, const Style &style, int indent) {
    if (std::all_of(lines.begin(), lines.end(), [](const AlignedLine &line) { return line.same; }))
        return {};
    const int width = (style.width() - indent - static_cast<int>(separator.size())) / 2;
    const std::string empty(static_cast<std::size_t>(width), ' ');
    std::string text;
    for (const AlignedLine &line : lines) {
        const std::string left =
            line.before ? cell(line.same ? " " : "-", line.before->depth, line.before->text, width) : empty;
        const std::string right =
            line.after ? cell(line.same ? " " : "+", line.after->depth, line.after->text, width) : empty;
        text += row(line.same || !line.before ? left : style.bad(left),
                    line.same || !line.after ? right : style.good(right), indent);
        const bool figures =
            (line.before && !line.before->figures.empty()) || (line.after && !line.after->figures.empty());
        if (!figures)
            continue;
        text +=
            row(style.dim(line.before ? cell(" ", line.before->depth + 1, line.before->figures, width) : empty),
                line.after ? style.dim(cell(" ", line.after->depth + 1, line.after->figures, width)) : empty, indent);
    }
    return text;
}

} // namespace dbperf::client::compare
