#include "output_paragraph.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace dbperf::client {
namespace {

constexpr int label_width = 15;

} // namespace

std::string paragraph(const Style &style, int indent, std::string_view label, std::string_view text) {
  if (text.empty())
    return {};
  const int gap = std::max(1, label_width - display_width(label));
  std::string result = std::string(static_cast<std::size_t>(indent), ' ') + style.dim(label) + std::string(static_cast<std::size_t>(gap), ' ');
  const int start = indent + display_width(label) + gap;
  const std::string margin(static_cast<std::size_t>(indent + label_width), ' ');
  int column = start;
  bool first = true;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    const int width = display_width(word);
    if (!first && column + 1 + width > style.width()) {
      result += "\n" + margin;
      column = indent + label_width;
      first = true;
    }
    if (!first) {
      result += ' ';
      ++column;
    }
    result += word;
    column += width;
    first = false;
  }
  return result + "\n";
}

std::string heading(const Style &style, std::string_view text) {
  return fmt::format("{}\n{}\n", style.bold(text), style.dim(std::string(static_cast<std::size_t>(style.width()), '-')));
}

} // namespace dbperf::client
