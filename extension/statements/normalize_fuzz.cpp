// One statement, written in several ways, has one fingerprint; and its normalised text has that too.
#include "statements/normalize.h"

#include <fuzz/target.h>

#include <array>
#include <string>
#include <vector>

#include "statements/sql_tokens_model.h"

using namespace dbperf::statements;

namespace {

constexpr std::array<std::string_view, 64> pieces = {
    "select ", "from ", "a",     "\"a\"", "null", "\"null\"", "true",   "user",   "\"user\"", "dbperf",       ".",
    ",",       "(",     ")",     "[",     "]",    "in (",     "in(",    "array[", "values (", "values(",      "),(",
    "1",       "2",     "1.5e3", ".5",    "'x'",  "'y'",      "E'\\''", "$1",     "$2",       "$99999999999", " ",
    "\n",      "/*c*/", "--c\n", "-",     "+",    "*",        "- ",     "<",      "=",        "<>",           "!=",
    "::",      "@",     "@-",    ":=",    "t.",   "\t",       "as ",    "end ",   "case ",    "current_date", "$$x$$",
    "date",    "x'0'",  "U&'x'", "not ",  "and ", "default",  "limit ", "_",      "A"};

std::string text_of(std::string_view choices) {
    std::string text;
    for (const char each : choices)
        text += pieces[static_cast<unsigned char>(each) % pieces.size()];
    return text;
}

// The same tokens with other gaps, comments and constants.
std::string rewritten(std::string_view text, const std::vector<model::LexedToken> &tokens, std::string_view gap) {
    std::string other;
    for (const model::LexedToken &token : tokens) {
        const std::string_view written = text.substr(token.start, token.end - token.start);
        other += gap;
        if (token.kind == TokenKind::number)
            other += "4.2e1";
        else if (token.kind == TokenKind::string)
            other += "$other$it's$other$";
        else
            other += written;
    }
    return other;
}

// What can be an element: VALUES stands in brackets of its own.
bool is_element(const std::vector<model::LexedToken> &tokens) {
    std::string open;
    for (const model::LexedToken &token : tokens) {
        if (open.empty() && token.identity == "values")
            return false;
        if (token.kind != TokenKind::symbol)
            continue;
        if (token.identity == "(" || token.identity == "[")
            open += token.identity;
        if (token.identity == ")" || token.identity == "]") {
            if (open.empty() || open.back() != (token.identity == ")" ? '(' : '['))
                return false;
            open.pop_back();
        }
        if (open.empty() && token.identity == ",")
            return false;
    }
    return open.empty() && !tokens.empty();
}

std::string list_of(std::string_view element, std::string_view open, std::string_view close, int count) {
    std::string text(open);
    for (int i = 0; i < count; ++i)
        text += (i ? ", " : " ") + std::string(element);
    return text + " " + std::string(close);
}

} // namespace

FUZZ_PART(normalize) {
    const uint32_t room = input.below(300);
    const std::string text = text_of(input.rest());
    const auto tokens = model::lex(text);
    if (!tokens)
        return;
    const model::Normalised whole = model::normalise(text, *tokens);
    const model::Normalised cut = model::normalise(text, *tokens, room);
    FUZZ_CHECK(cut.fingerprint == whole.fingerprint && cut.text.size() <= room);
    for (const std::string_view gap : {" ", "\n/* it's \" $$ */ --x\n\t"}) {
        const std::string other = rewritten(text, *tokens, gap);
        const auto other_tokens = model::lex(other);
        FUZZ_CHECK_SHOWN(other_tokens && other_tokens->size() == tokens->size(), other);
        FUZZ_CHECK_SHOWN(model::normalise(other, *other_tokens).fingerprint == whole.fingerprint, text + "\n" + other);
    }
    const auto again = model::lex(whole.text);
    FUZZ_CHECK_SHOWN(again, text + "\n" + whole.text);
    const model::Normalised twice = model::normalise(whole.text, *again);
    FUZZ_CHECK_SHOWN(twice.fingerprint == whole.fingerprint, text + "\n" + whole.text + "\n" + twice.text);
}

// A list of more elements that look alike is the same list.
FUZZ_PART(normalize_lists) {
    const int more = 1 + static_cast<int>(input.below(5));
    const uint32_t kind = input.below(3);
    const std::string element = text_of(input.rest()) + "\n"; // ends a comment
    const auto tokens = model::lex(element);
    if (!tokens || !is_element(*tokens))
        return;
    const auto fingerprint = [&](int count) {
        const std::string text = kind == 0 ? list_of(element, "select a in (", ") and b", count)
                                 : kind == 1
                                     ? list_of(element, "select array[", "] and b", count)
                                     : list_of("(" + element + ")", "insert into t values ", "returning b", count);
        const auto lexed = model::lex(text);
        return lexed ? model::normalise(text, *lexed).fingerprint : 0;
    };
    FUZZ_CHECK_SHOWN(fingerprint(1) == fingerprint(1 + more), element);
}
