// Equal skeletons must mean equal fingerprints: two texts that differ in one place, made of what is easily misread.
#include "statements/skeleton.h"

#include <fuzz/target.h>

#include <array>
#include <string>

#include "statements/sql_tokens_model.h"

using namespace dbperf::statements;

namespace {

constexpr std::array<std::string_view, 64> pieces = {
    "'",     "''",  "\"",  "\"\"", "\\", "\\'",  "E'",   "e'", "U&'", "u&\"", "B'", "x'", "N'",   "$",  "$$",  "$a$",
    "$ab$",  "$1",  "$12", "/*",   "*/", "--",   "\n",   "\r", " ",   "\t",   "/",  "*",  "-",    "+",  "a",   "A",
    "b",     "e",   "E",   "ab",   "_",  "\x80", "\xc3", "0",  "1",   "12",   ".",  ".5", "1.5",  "1e", "1e+", "0x1",
    "1.5e3", "1_0", "(",   ")",    "[",  "]",    ",",    ";",  ":",   "::",   "=",  "<>", "in (", "~",  "#",   "\x01"};

std::string text_of(std::string_view choices) {
    std::string text;
    for (const char each : choices)
        text += pieces[static_cast<unsigned char>(each) % pieces.size()];
    return text;
}

void compare(const std::string &one, const std::string &other, bool backslashes) {
    const Skeleton first = skeleton_of(one, backslashes), second = skeleton_of(other, backslashes);
    SkeletonStates states;
    skeleton_of(one, backslashes, plain_skeleton_key, &states);
    if (const SkeletonState *state = common_state(states, one, other)) {
        const Skeleton rest = skeleton_of(other, backslashes, plain_skeleton_key, nullptr, state);
        FUZZ_CHECK_SHOWN(rest.hash == second.hash && rest.literals == second.literals && rest.comment == second.comment,
                         one + "\n--- and ---\n" + other);
    }
    LiteralPlaces places;
    skeleton_of(one, backslashes, plain_skeleton_key, nullptr, nullptr, &places);
    uint64_t literals = 0;
    if (differs_in_literals(&places, one, other, &literals))
        FUZZ_CHECK_SHOWN(first.hash == second.hash && literals == second.literals, one + "\n--- and ---\n" + other);
    if (first.hash != second.hash)
        return;
    const auto one_tokens = model::lex(one, backslashes), other_tokens = model::lex(other, backslashes);
    if (!one_tokens || !other_tokens)
        return;
    FUZZ_CHECK_SHOWN(model::normalise(one, *one_tokens).fingerprint ==
                         model::normalise(other, *other_tokens).fingerprint,
                     one + "\n--- and ---\n" + other);
}

} // namespace

// Two places and what stands there in the other text, then the pieces of the text.
FUZZ_PART(skeleton) {
    const bool backslashes = input.flag();
    std::array<uint8_t, 4> changes{};
    for (uint8_t &each : changes)
        each = input.byte();
    std::string choices(input.rest());
    const std::string text = text_of(choices);
    const Skeleton skeleton = skeleton_of(text, backslashes);
    FUZZ_CHECK(text.find(skeleton.comment) != std::string::npos);
    FUZZ_CHECK(skeleton.comment.empty() || skeleton.comment.starts_with("--") || skeleton.comment.starts_with("/*"));
    for (size_t i = 0; i < changes.size() && !choices.empty(); i += 2) {
        choices[changes[i] % choices.size()] = static_cast<char>(changes[i + 1]);
        compare(text, text_of(choices), backslashes);
    }
}

// Any bytes: it ends, and finds comments within the text.
FUZZ_PART(skeleton_bytes) {
    const bool backslashes = input.flag();
    const std::string_view text = input.rest();
    const Skeleton skeleton = skeleton_of(text, backslashes);
    if (!skeleton.comment.empty())
        FUZZ_CHECK(skeleton.comment.data() >= text.data() &&
                   skeleton.comment.data() + skeleton.comment.size() <= text.data() + text.size());
    FUZZ_CHECK(skeleton_of(text, backslashes).hash == skeleton.hash);
}
