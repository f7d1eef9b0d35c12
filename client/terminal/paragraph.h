// Owns lines of "label  text", the text broken at words and kept in its column.
#pragma once

#include "terminal/style.h"

#include <string>
#include <string_view>

namespace dbperf::client::terminal {

// Ends with a newline. Nothing at all for an empty text.
std::string paragraph(const Style &style, int indent, std::string_view label, std::string_view text);

// The same on one line however long it is: for what is copied from the screen.
std::string verbatim(const Style &style, int indent, std::string_view label, std::string_view text);

// Text broken at words, every line indented.
std::string wrapped(const Style &style, int indent, std::string_view text);

// A heading with a rule below it.
std::string heading(const Style &style, std::string_view text);

} // namespace dbperf::client::terminal
