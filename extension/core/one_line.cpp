// One pass; knows quotes, not words. Backslashes are no escapes: the server deparses strings with doubled ones as E''.
#include "core/one_line.h"

namespace dbperf::core {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

} // namespace

size_t put_on_one_line(std::span<char> text) {
    size_t length = 0;
    char quote = '\0';
    bool blank = false;
    for (const char c : text) {
        if (quote == '\0' && is_blank(c)) {
            blank = true;
            continue;
        }
        if (blank) {
            blank = false;
            if (length > 0 && text[length - 1] != '(' && c != ')')
                text[length++] = ' ';
        }
        text[length++] = c;
        if (quote == '\0' && (c == '\'' || c == '"'))
            quote = c;
        else if (c == quote)
            quote = '\0';
    }
    return length;
}

} // namespace dbperf::core
