// std::string_view::substr without its exception: clamped to the text.
#pragma once

#include <string_view>

namespace dbperf::core {

constexpr std::string_view slice(std::string_view text, size_t from, size_t count = std::string_view::npos) {
    if (from > text.size())
        from = text.size();
    const size_t left = text.size() - from;
    return {text.data() + from, count < left ? count : left};
}

} // namespace dbperf::core
