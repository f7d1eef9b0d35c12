// Feeds the core scanner's tokens to the normaliser.
#include "core/pg.h"

#include "statements/fingerprint.h"

#include "core/compat.h"
#include "core/guard.h"
#include "core/settings.h"
#include "core/slice.h"
#include "statements/normalize.h"

namespace dbperf::statements {
using namespace core;

namespace {

using namespace compat;

MemoryContext scratch = nullptr;
char *text_buffer = nullptr;

bool is_unreserved(const char *keyword) {
    const int number = ScanKeywordLookup(keyword, &ScanKeywords);
    return number >= 0 && ScanKeywordCategories[number] == UNRESERVED_KEYWORD;
}

Token token_of(int code, const core_YYSTYPE &value, std::string_view source, uint32 start, uint32 end) {
    Token token{TokenKind::symbol, start, end, slice(source, start, end - start)};
    switch (code) {
    case token_ident:
    case token_uident:
        token.kind = TokenKind::identifier;
        token.identity = value.str;
        break;
    case token_fconst:
    case token_iconst:
        token.kind = TokenKind::number;
        break;
    case token_sconst:
    case token_usconst:
    case token_bconst:
    case token_xconst:
        token.kind = TokenKind::string;
        break;
    case token_param:
        token.kind = TokenKind::parameter;
        break;
    case token_not_equals: // != and <>
        token.identity = "<>";
        break;
    default:
        if (code > token_not_equals) {
            token.kind = is_unreserved(value.keyword) ? TokenKind::identifier : TokenKind::keyword;
            token.identity = value.keyword;
        }
    }
    return token;
}

// Finds where the query inside a carrying statement begins.
class CarriedQuery {
public:
    // Whether this token is still before it.
    bool skips(const Token &token) {
        if (state_ == State::first)
            state_ = begin(token);
        if (state_ == State::inside)
            return false;
        if (token.identity == "(" && token.kind == TokenKind::symbol)
            ++depth_;
        else if (token.identity == ")" && token.kind == TokenKind::symbol)
            --depth_;
        else if (depth_ == 0 && marker_.empty() && begins_query(token))
            return (state_ = State::inside, false);
        else if (depth_ == 0 && !marker_.empty() && token.identity == marker_ && token.kind == TokenKind::keyword)
            state_ = State::inside;
        return true;
    }
    bool found() const { return state_ == State::inside; }

private:
    enum class State : uint8_t { first, before, inside };

    State begin(const Token &token) {
        if (token.identity == "prepare" || token.identity == "create")
            marker_ = "as";
        else if (token.identity == "declare")
            marker_ = "for";
        else if (token.identity != "explain")
            return State::inside;
        return State::before;
    }

    static bool begins_query(const Token &token) {
        for (const std::string_view word : {"select", "insert", "update", "delete", "merge", "with", "values", "table"})
            if (token.identity == word)
                return true;
        return false;
    }

    State state_ = State::first;
    std::string_view marker_;
    int depth_ = 0;
};

// False when the query that a carrying statement should have was not found.
bool scan(std::string_view text, bool is_utility, Normalizer &normalizer, uint32 *begins) {
    const char *terminated = pnstrdup(text.data(), text.size());
    core_yy_extra_type extra;
    core_yyscan_t scanner = scanner_init(terminated, &extra, &ScanKeywords, ScanKeywordTokens);
    // The text was accepted once; a setting changed since then must not matter.
    compat::forget_warnings(&extra);
    extra.backslash_quote = BACKSLASH_QUOTE_ON;
    CarriedQuery carried;
    core_YYSTYPE value;
    YYLTYPE location;
    bool begun = false;
    *begins = 0;
    while (const int code = core_yylex(&value, &location, scanner)) {
        if (code == ';')
            continue;
        const auto start = static_cast<uint32>(location);
        const auto end = start + static_cast<uint32>(strlen(extra.scanbuf + location));
        const Token token = token_of(code, value, text, start, end);
        if (!is_utility && carried.skips(token))
            continue;
        if (!begun)
            *begins = start;
        begun = true;
        normalizer.push(token);
    }
    scanner_finish(scanner);
    normalizer.finish();
    return is_utility || carried.found();
}

} // namespace

namespace {

void prepare_memory() {
    if (!scratch)
        scratch = AllocSetContextCreate(TopMemoryContext, "dbperf fingerprint", ALLOCSET_DEFAULT_SIZES);
    if (!text_buffer)
        text_buffer =
            static_cast<char *>(MemoryContextAlloc(TopMemoryContext, static_cast<Size>(settings::max_query_length)));
}

bool compute(std::string_view text, bool is_utility, Fingerprint *result) {
    return catch_errors([&text, is_utility, result] {
        prepare_memory();
        with_memory_context(scratch, [&text, is_utility, result] {
            const std::span<char> out{text_buffer, static_cast<size_t>(settings::max_query_length)};
            Normalizer normalizer(text, out, first_free_number(text));
            uint32 begins;
            if (!scan(text, is_utility, normalizer, &begins)) {
                normalizer = Normalizer(text, out, first_free_number(text));
                scan(text, true, normalizer, &begins);
            }
            std::string_view normalised = normalizer.text();
            // A cut must not leave half a character.
            if (normalised.size() == static_cast<size_t>(settings::max_query_length))
                normalised =
                    slice(normalised, 0,
                          static_cast<size_t>(pg_mbcliplen(normalised.data(), static_cast<int>(normalised.size()),
                                                           static_cast<int>(normalised.size()) - 1)));
            *result = {normalizer.fingerprint(), normalizer.mentions_dbperf(), begins, normalised};
        });
        MemoryContextReset(scratch);
    });
}

// The scanner has notices of its own (long identifiers); the user has seen them when the statement was parsed.
template <typename Body>
void without_notices(const Body &body) {
    const int to_client = client_min_messages;
    int &threshold = compat::log_threshold();
    const int to_log = threshold;
    client_min_messages = threshold = ERROR;
    body();
    client_min_messages = to_client;
    threshold = to_log;
}

} // namespace

bool fingerprint_of(std::string_view text, bool is_utility, Fingerprint *result) {
    bool done = false;
    without_notices([&] { done = compute(text, is_utility, result); });
    return done;
}

char *without_constants(std::string_view text) {
    prepare_memory();
    // Whether this ends a string is a setting of that session.
    if (text.find("\\'") != std::string_view::npos)
        text = slice(text, 0, text.find('\''));
    Normalizer normalizer(text, {text_buffer, static_cast<size_t>(settings::max_query_length)},
                          first_free_number(text));
    without_notices([&] {
        catch_errors([&] {
            with_memory_context(scratch, [&] {
                uint32 begins;
                scan(text, true, normalizer, &begins);
            });
        });
    });
    MemoryContextReset(scratch);
    const std::string_view known = normalizer.text();
    const int length = static_cast<int>(known.size());
    return pnstrdup(known.data(), static_cast<Size>(pg_mbcliplen(known.data(), length, length)));
}

} // namespace dbperf::statements
