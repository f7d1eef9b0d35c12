// A pretty-printed statement on one line: white space outside quotes becomes one blank, and none inside brackets'
// edges.
#pragma once

#include <cstddef>
#include <span>

namespace dbperf::core {

// Works in place; returns the new length, which is never larger.
size_t put_on_one_line(std::span<char> text);

} // namespace dbperf::core
