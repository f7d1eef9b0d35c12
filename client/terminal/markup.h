// What HTML and XML both need escaped.
#pragma once

#include <string>
#include <string_view>

namespace dbperf::client::terminal {

// For text and for attributes in either kind of quotes.
std::string escape_markup(std::string_view text);

} // namespace dbperf::client::terminal
