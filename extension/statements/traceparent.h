// Owns where the trace of a request stands in a statement's comment: the W3C trace context that sqlcommenter adds.
#pragma once

#include <string_view>

#include "core/slice.h"

namespace dbperf::statements {

// "00-<32 hex digits>-<16>-<2>"
constexpr size_t traceparent_length = 55;
// Comments longer than this are read so far.
constexpr size_t max_traced_comment = 1024;

// Empty when there is none, or one that is none: of another version, or all of zeros.
constexpr std::string_view traceparent_of(std::string_view comment) {
    constexpr std::string_view name = "traceparent='";
    const size_t at = comment.find(name);
    if (at == std::string_view::npos)
        return {};
    const std::string_view value = core::slice(comment, at + name.size(), traceparent_length + 1);
    if (value.size() != traceparent_length + 1 || value.back() != '\'' || !value.starts_with("00-") ||
        value[35] != '-' || value[52] != '-')
        return {};
    const auto is_id = [value](size_t from, size_t length) {
        bool zero = true;
        for (const char c : core::slice(value, from, length)) {
            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
                return false;
            zero = zero && c == '0';
        }
        return !zero;
    };
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (!is_id(3, 32) || !is_id(36, 16) || !is_digit(value[53]) || !is_digit(value[54]))
        return {};
    return core::slice(value, 0, traceparent_length);
}

} // namespace dbperf::statements
