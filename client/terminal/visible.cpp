#include "terminal/visible.h"

#include "terminal/style.h"

#include <fmt/format.h>

namespace dbperf::client::terminal {
namespace {

struct Character {
    char32_t code = 0;
    std::size_t length = 1; // in bytes
    bool valid = false;
};

// By RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
Character character_at(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const unsigned char first = byte(0);
    if (first < 0x80)
        return {first, 1, true};
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || at + length > text.size())
        return {};
    char32_t code = first & (0xFF >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80)
            return {};
        code = code << 6 | (byte(i) & 0x3F);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (overlong || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF)
        return {};
    return {code, length, true};
}

bool is_hidden(char32_t code) {
    if (code < 0x20)
        return code != '\n' && code != '\t';
    return (code >= 0x7F && code < 0xA0) || code == 0xAD || code == 0x61C || (code >= 0x200B && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF ||
           (code >= 0xFFF9 && code <= 0xFFFB) || (code & 0xFFFE) == 0xFFFE || (code >= 0xE0000 && code <= 0xE007F);
}

} // namespace

std::string visible(std::string_view text) {
    std::string shown;
    for (std::size_t at = 0; at < text.size();) {
        const Character character = character_at(text, at);
        if (!character.valid)
            shown += "\uFFFD";
        else if (is_hidden(character.code))
            shown += fmt::format("\\u{{{:x}}}", static_cast<unsigned>(character.code));
        else
            shown += text.substr(at, character.length);
        at += character.length;
    }
    return shown;
}

std::string visible_line(std::string_view text, int width) {
    return shorten(one_line(visible(text)), width);
}

} // namespace dbperf::client::terminal
