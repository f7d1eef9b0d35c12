#include "queries/result_digest.h"

#include "queries/sql_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

namespace dbperf::client::queries {
namespace {

constexpr std::uint64_t fnv_offset = 0xcbf29ce484222325U;
constexpr std::uint64_t fnv_prime = 0x100000001b3U;

std::uint64_t fold(std::uint64_t hash, std::string_view bytes) {
    for (const char c : bytes)
        hash = (hash ^ static_cast<unsigned char>(c)) * fnv_prime;
    return hash;
}

// The finalizer of splitmix64: sums of what it gives distinguish multisets.
std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

std::string count_of(long long number, std::string_view one) {
    return fmt::format("{} {}{}", number, one, number == 1 ? "" : "s");
}

bool is_word(const Token &token, std::string_view word) {
    return token.kind == TokenKind::word &&
           std::equal(token.text.begin(), token.text.end(), word.begin(), word.end(), [](char a, char b) {
               return std::toupper(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
           });
}

} // namespace

void ResultDigester::add_value(const std::optional<std::string> &value, bool floating) {
    if (row_ == 0)
        row_ = fnv_offset;
    if (!value) {
        row_ = fold(row_, "n");
        return;
    }
    std::string text = *value;
    if (floating) {
        const double number = std::strtod(text.c_str(), nullptr);
        text = std::isfinite(number) ? fmt::format("{:.9g}", number) : text;
    }
    row_ = fold(row_, fmt::format("v{}:", text.size()));
    row_ = fold(row_, text);
}

void ResultDigester::end_row() {
    ++digest_.rows;
    digest_.sum += mix(row_);
    digest_.mixed += mix(row_ ^ 0x9e3779b97f4a7c15U);
    row_ = 0;
}

std::string difference_in_words(const ResultDigest &before, const ResultDigest &after) {
    if (before.columns != after.columns)
        return fmt::format("{} instead of {}", count_of(after.columns, "column"), before.columns);
    if (before.rows != after.rows)
        return fmt::format("{} instead of {}", count_of(after.rows, "row"), before.rows);
    return fmt::format("{} with other values", count_of(after.rows, "row"));
}

bool leaves_rows_open(std::string_view sql) {
    int depth = 0;
    bool limited = false;
    bool ordered = false;
    for (const Token &token : scan_sql(sql)) {
        if (token.text == "(")
            ++depth;
        else if (token.text == ")")
            --depth;
        if (depth != 0)
            continue;
        limited = limited || is_word(token, "LIMIT") || is_word(token, "FETCH") || is_word(token, "OFFSET");
        ordered = ordered || is_word(token, "ORDER");
    }
    return limited && !ordered;
}

} // namespace dbperf::client::queries
