#include "terminal/style.h"

#include "base/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace dbperf::client::terminal {
using namespace base;

namespace {

constexpr int narrowest = 72;
constexpr int widest = 100;

bool wants_color(ColorMode mode) {
    if (mode != ColorMode::automatic)
        return mode == ColorMode::always;
    if (process_environment("NO_COLOR"))
        return false;
    if (const auto force = process_environment("CLICOLOR_FORCE"); force && *force != "0")
        return true;
    if (const auto postgres = process_environment("PG_COLOR"); postgres && *postgres != "auto")
        return *postgres == "always";
    return isatty(STDOUT_FILENO) != 0 && process_environment("TERM").value_or("dumb") != "dumb";
}

int page_width() {
    winsize size{};
    if (isatty(STDOUT_FILENO) != 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return std::clamp<int>(size.ws_col, narrowest, widest);
    return widest - 4;
}

bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// Bytes of the character at this place.
std::size_t character_length(std::string_view text, std::size_t at) {
    std::size_t length = 1;
    while (at + length < text.size() && continues_character(text[at + length]))
        ++length;
    return length;
}

// East Asian wide characters and emoji take two columns, combining marks none.
int character_width(std::string_view character) {
    const auto first = static_cast<unsigned char>(character.front());
    if (first < 0x80 || character.size() < 2)
        return 1;
    char32_t code = first & (0xFF >> (character.size() + 1));
    for (std::size_t i = 1; i < character.size(); ++i)
        code = (code << 6) | (static_cast<unsigned char>(character[i]) & 0x3F);
    if ((code >= 0x300 && code <= 0x36F) || code == 0x200B || code == 0x200D || (code >= 0xFE00 && code <= 0xFE0F))
        return 0;
    const bool wide = (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
                      (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
                      (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
                      (code >= 0x1F300 && code <= 0x1FAFF) || (code >= 0x20000 && code <= 0x3FFFD);
    return wide ? 2 : 1;
}

} // namespace

Style Style::choose(ColorMode mode) {
    Style style;
    style.colored_ = wants_color(mode);
    style.width_ = page_width();
    return style;
}

std::string Style::wrap(std::string_view code, std::string_view text) const {
    return colored_ ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
}

std::string one_line(std::string_view text) {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = character_length(text, at);
        const auto first = static_cast<unsigned char>(text[at]);
        const bool control = first < 0x20 || first == 0x7F ||
                             (first == 0xC2 && length == 2 && static_cast<unsigned char>(text[at + 1]) < 0xA0);
        if (control || first == ' ') {
            if (!line.empty() && line.back() != ' ')
                line += ' ';
        } else {
            line += text.substr(at, length);
        }
        at += length;
    }
    while (!line.empty() && line.back() == ' ')
        line.pop_back();
    return line;
}

int display_width(std::string_view text) {
    int width = 0;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '\033') {
            at = std::min(text.find('m', at), text.size() - 1) + 1;
            continue;
        }
        const std::size_t length = character_length(text, at);
        width += character_width(text.substr(at, length));
        at += length;
    }
    return width;
}

std::string shorten(std::string_view text, int width) {
    if (display_width(text) <= width)
        return std::string(text);
    std::string cut;
    int used = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = character_length(text, at);
        const int columns = character_width(text.substr(at, length));
        if (used + columns > width - 3)
            break;
        cut += text.substr(at, length);
        used += columns;
        at += length;
    }
    return cut + "...";
}

} // namespace dbperf::client::terminal
