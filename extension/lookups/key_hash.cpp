#include "lookups/key_hash.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace dbperf::lookups::key_hash {
using namespace core;

namespace {

constexpr int uuid_length = 16;

// A number as numeric stores it: digits of base 10,000, of which the first has the weight 10,000^weight.
struct Decimal {
    bool negative;
    int weight;
    int count;
    std::array<int16_t, longest_key> digits;
};

// Equal numbers have equal hashes, however many zeros stand around them.
uint64_t hash_of(Decimal &number) {
    int first = 0;
    while (first < number.count && number.digits[static_cast<size_t>(first)] == 0)
        ++first;
    int last = number.count;
    while (last > first && number.digits[static_cast<size_t>(last - 1)] == 0)
        --last;
    const int weight = number.weight - first;
    const int count = last - first;
    if (count == 0)
        return of_integer(0);
    // Whole, and surely within 64 bits: up to 16 digits of base ten.
    if (weight < 4 && count <= weight + 1) {
        int64_t value = 0;
        for (int i = 0; i <= weight; ++i)
            value = value * 10000 + (i < count ? number.digits[static_cast<size_t>(first + i)] : 0);
        return of_integer(number.negative ? -value : value);
    }
    if (weight == 4 && count <= 5) {
        __int128 value = 0;
        for (int i = 0; i <= weight; ++i)
            value = value * 10000 + (i < count ? number.digits[static_cast<size_t>(first + i)] : 0);
        if (number.negative)
            value = -value;
        if (value >= INT64_MIN && value <= INT64_MAX)
            return of_integer(static_cast<int64_t>(value));
    }
    Hash64 hash;
    hash.add(uint64_t{static_cast<uint32_t>(weight)} << 1 | static_cast<uint64_t>(number.negative));
    for (int i = first; i < last; ++i)
        hash.add(static_cast<uint64_t>(number.digits[static_cast<size_t>(i)]));
    return hash.value() | 1;
}

template <typename T>
T read(std::string_view bytes, size_t at) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    return value;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = static_cast<char>(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// As the server writes them.
bool is_written_integer(std::string_view text) {
    if (!text.empty() && text[0] == '-')
        text.remove_prefix(1);
    else if (text == "0")
        return true;
    return !text.empty() && text[0] >= '1' && text[0] <= '9';
}

bool is_written_uuid(std::string_view text) {
    if (text.size() != 36)
        return false;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : !is_digit(text[i]) && (text[i] < 'a' || text[i] > 'f'))
            return false;
    }
    return true;
}

} // namespace

uint64_t of_text(std::string_view text) {
    int64_t number;
    if (is_written_integer(text) && parse_integer(text, &number))
        return of_integer(number);
    unsigned char bytes[uuid_length];
    if (is_written_uuid(text) && parse_uuid(text, bytes))
        return of_uuid({reinterpret_cast<const char *>(bytes), sizeof(bytes)});
    return hash_text(text) | 1;
}

bool of_folded_text(std::string_view text, uint64_t *hash) {
    std::array<char, longest_key> folded;
    if (text.size() > folded.size())
        return false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if ((static_cast<unsigned char>(c) & 0x80) != 0)
            return false;
        folded[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
    *hash = of_text({folded.data(), text.size()});
    return true;
}

uint64_t of_long(std::string_view bytes) {
    constexpr size_t half = longest_key / 2;
    Hash64 hash;
    hash.add(static_cast<uint64_t>(bytes.size()));
    hash.add(std::string_view(bytes.data(), bytes.size() < half ? bytes.size() : half));
    if (bytes.size() > half) {
        const size_t rest = bytes.size() - half < half ? bytes.size() - half : half;
        hash.add(std::string_view(bytes.data() + bytes.size() - rest, rest));
    }
    return mix_bits(hash.value()) | 1;
}

uint64_t of_double(double number) {
    constexpr double exact = 9007199254740992.0; // 2^53
    if (number >= -exact && number <= exact && number == std::trunc(number))
        return of_integer(static_cast<int64_t>(number));
    // All that are no number are one.
    return mix_bits(number != number ? 0x7ff8u : std::bit_cast<uint64_t>(number)) | 1;
}

uint64_t of_numeric(std::string_view bytes) {
    // Layout as of PostgreSQL 9.1 (numeric.c): a header word, or two, and then the digits.
    if (bytes.size() < 2 || bytes.size() % 2 != 0 || bytes.size() > longest_key)
        return 0;
    const auto header = read<uint16_t>(bytes, 0);
    if ((header & 0xc000) == 0xc000) // not a number, or infinite
        return mix_bits(header) | 1;
    Decimal number{};
    size_t at = 2;
    if ((header & 0x8000) != 0) {
        number.negative = (header & 0x2000) != 0;
        number.weight = (header & 0x003f) - ((header & 0x0040) != 0 ? 64 : 0);
    } else {
        if (bytes.size() < 4)
            return 0;
        number.negative = (header & 0xc000) == 0x4000;
        number.weight = read<int16_t>(bytes, 2);
        at = 4;
    }
    for (; at < bytes.size(); at += 2)
        number.digits[static_cast<size_t>(number.count++)] = read<int16_t>(bytes, at);
    return hash_of(number);
}

uint64_t of_interval(int64_t microseconds, int32_t days, int32_t months) {
    constexpr int64_t day = 86400000000;
    const __int128 span = (static_cast<__int128>(months) * 30 + days) * day + microseconds;
    return of_word(Family::interval, mix_bits(static_cast<uint64_t>(span)) ^ static_cast<uint64_t>(span >> 64));
}

bool parse_integer(std::string_view text, int64_t *number) {
    const bool negative = !text.empty() && text[0] == '-';
    if (negative)
        text.remove_prefix(1);
    if (text.empty() || text.size() > 18)
        return false;
    int64_t value = 0;
    for (const char c : text) {
        if (!is_digit(c))
            return false;
        value = value * 10 + (c - '0');
    }
    *number = negative ? -value : value;
    return true;
}

bool parse_uuid(std::string_view text, unsigned char *bytes) {
    int digits = 0;
    for (const char c : text) {
        if (c == '-')
            continue;
        const int digit = hex_digit(c);
        if (digit < 0 || digits == 2 * uuid_length)
            return false;
        unsigned char &byte = bytes[digits / 2];
        byte = static_cast<unsigned char>(digits % 2 == 0 ? digit << 4 : byte | digit);
        ++digits;
    }
    return digits == 2 * uuid_length;
}

uint64_t of_number_text(std::string_view text) {
    if (text.size() > longest_key)
        return 0;
    Decimal number{};
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
        number.negative = text[0] == '-';
        text.remove_prefix(1);
    }
    size_t point = text.find('.');
    if (point == std::string_view::npos)
        point = text.size();
    if (text.size() - (point < text.size() ? 1 : 0) == 0)
        return 0;
    // Digits of base 10,000 begin at multiples of four digits from the point.
    const size_t groups = (point + 3) / 4;
    number.weight = static_cast<int>(groups) - 1;
    const size_t pad = groups * 4 - point;
    size_t position = pad;
    int value = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        if (i == point)
            continue;
        if (!is_digit(text[i]))
            return 0;
        value = value * 10 + (text[i] - '0');
        if (++position % 4 == 0) {
            number.digits[static_cast<size_t>(number.count++)] = static_cast<int16_t>(value);
            value = 0;
        }
    }
    if (position % 4 != 0) {
        for (; position % 4 != 0; ++position)
            value *= 10;
        number.digits[static_cast<size_t>(number.count++)] = static_cast<int16_t>(value);
    }
    return hash_of(number);
}

} // namespace dbperf::lookups::key_hash
