// Owns making text of others fit for a file: valid UTF-8 in which everything can be seen. What else a format needs is
// the format's own to escape.
#pragma once

#include <string>
#include <string_view>

namespace dbperf::client::terminal {

// Line feeds and tabs stay. Other control characters and those that change the order or width of what is shown are
// spelled out, as \u{202e}; bytes that are no UTF-8 become U+FFFD.
std::string visible(std::string_view text);

// The same on one line, of so many columns at most.
std::string visible_line(std::string_view text, int width);

} // namespace dbperf::client::terminal
