#include "terminal/markup.h"

namespace dbperf::client::terminal {

std::string escape_markup(std::string_view text) {
    std::string result;
    result.reserve(text.size() + text.size() / 8);
    for (const char c : text) {
        switch (c) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>': // XML has it stand nowhere in "]]>"
            result += "&gt;";
            break;
        case '"':
            result += "&quot;";
            break;
        case '\'': // HTML before 5 has no name for it
            result += "&#39;";
            break;
        default:
            result += c;
        }
    }
    return result;
}

} // namespace dbperf::client::terminal
