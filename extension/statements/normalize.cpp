// The normaliser's state machine: signs, lists, numbering.
#include "statements/normalize.h"

#include <algorithm>

#include "core/slice.h"

namespace dbperf::statements {
using namespace core;

namespace {

constexpr uint64_t constant_marker = 0x3f; // what every constant and parameter hashes to
constexpr uint64_t keyword_marker = 0x6b;

bool is(const Token &token, std::string_view identity) {
    return token.identity == identity && (token.kind == TokenKind::symbol || token.kind == TokenKind::keyword);
}

// Reserved words that stand for a value or end one: what follows is an operator, not a sign.
bool is_value_word(std::string_view word) {
    for (const std::string_view known :
         {"end", "null", "true", "false", "default", "user", "current_user", "session_user", "current_role",
          "current_catalog", "current_schema", "current_date", "current_time", "current_timestamp", "localtime",
          "localtimestamp"})
        if (word == known)
            return true;
    return false;
}

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (c & 0x80) != 0;
}

bool opens(const Token &token) {
    return is(token, "(") || is(token, "[");
}

bool closes(const Token &token) {
    return is(token, ")") || is(token, "]");
}

} // namespace

int first_free_number(std::string_view source) {
    int highest = 0;
    for (size_t at = source.find('$'); at != std::string_view::npos; at = source.find('$', at + 1)) {
        int number = 0;
        for (size_t digit = at + 1; digit < source.size() && source[digit] >= '0' && source[digit] <= '9'; ++digit)
            number = std::min(number * 10 + (source[digit] - '0'), 100000);
        highest = std::max(highest, number);
    }
    return highest + 1;
}

Normalizer::Normalizer(std::string_view source, std::span<char> out, int first_number)
    : source_(source), out_(out), lists_{} {
    now_.next_number = first_number;
}

void Normalizer::append(std::string_view piece) {
    const size_t room = out_.size() - now_.length;
    const size_t taken = std::min(room, piece.size());
    std::copy_n(piece.data(), taken, out_.data() + now_.length);
    now_.length += static_cast<uint32_t>(taken);
}

// Whether a value may begin here: decides between sign and operator, and whether NULL stands for a value.
bool Normalizer::operand_expected() const {
    return previous_ != Previous::value && previous_ != Previous::close && previous_ != Previous::dbperf;
}

void Normalizer::emit(const Token &token, bool constant) {
    // The number in place of a constant needs a gap where the constant needed none: 'x'AS a, date'2026-01-31'.
    const bool replaced = constant && token.kind != TokenKind::parameter;
    const bool merges =
        now_.length > 0 && is_word(out_[now_.length - 1]) && is_word(replaced ? '$' : source_[token.start]);
    if (now_.length > 0 && (token.start > previous_end_ || merges))
        append(" ");
    if (constant) {
        now_.hash.add(constant_marker);
        if (!replaced) {
            append(slice(source_, token.start, token.end - token.start));
        } else {
            char digits[12] = {'$'};
            int length = 1;
            int number = now_.next_number++;
            char reversed[10];
            int count = 0;
            do
                reversed[count++] = static_cast<char>('0' + number % 10);
            while ((number /= 10) > 0);
            while (count > 0)
                digits[length++] = reversed[--count];
            append({digits, static_cast<size_t>(length)});
        }
    } else {
        // A reserved word and a quoted identifier may have one spelling.
        if (token.kind == TokenKind::keyword)
            now_.hash.add(keyword_marker);
        now_.hash.add(token.identity);
        append(slice(source_, token.start, token.end - token.start));
    }
    if (list_count_ > 0) {
        Hash64 &element = lists_[static_cast<size_t>(list_count_ - 1)].element;
        if (constant)
            element.add(constant_marker);
        else if (token.kind == TokenKind::keyword)
            element.add(keyword_marker);
        if (!constant)
            element.add(token.identity);
    }
    previous_end_ = token.end;
    if (token.kind == TokenKind::symbol)
        previous_ = closes(token) ? Previous::close : token.identity == "." ? Previous::point : Previous::operation;
    else if (token.kind == TokenKind::keyword && !constant)
        previous_ = token.identity == "in"          ? Previous::in
                    : token.identity == "array"     ? Previous::array
                    : token.identity == "values"    ? Previous::values
                    : is_value_word(token.identity) ? Previous::value
                                                    : Previous::keyword;
    else
        previous_ =
            token.kind == TokenKind::identifier && token.identity == "dbperf" ? Previous::dbperf : Previous::value;
}

void Normalizer::emit_pending_sign() {
    if (have_sign_) {
        have_sign_ = false;
        emit(sign_, false);
    }
}

// An element equal to the first is taken out again, with the comma before it.
void Normalizer::end_element(List &list) {
    const uint64_t hash = list.element.value();
    if (list.first_known && hash == list.first) {
        now_ = list.before;
        list.collapsed = true;
    } else {
        if (!list.first_known)
            list.first = hash;
        list.first_known = true;
        list.kept.add(hash);
    }
    list.before = now_;
    list.element = Hash64{};
}

// Ends the lists that this token, not yet emitted, does not continue.
void Normalizer::close_lists(const Token &token) {
    while (list_count_ > 0) {
        List &list = lists_[static_cast<size_t>(list_count_ - 1)];
        const bool values = list.kind == List::Kind::values;
        bool ends = false;
        if (values)
            ends = depth_ == list.depth && !list.element_open && !is(token, ",") && !is(token, "(");
        else
            ends = depth_ == list.depth && closes(token);
        if (!ends)
            return;
        if (!values)
            end_element(list);
        if (list.collapsed)
            append(" /*, ... */");
        if (--list_count_ > 0)
            lists_[static_cast<size_t>(list_count_ - 1)].element.add(list.kept.value());
    }
}

void Normalizer::push(const Token &pushed) {
    Token token = pushed;
    if (previous_ == Previous::point && token.kind == TokenKind::keyword)
        token.kind = TokenKind::identifier; // the column of t.null may be called so
    if (token.kind == TokenKind::symbol && (token.identity == "-" || token.identity == "+") && operand_expected()) {
        emit_pending_sign();
        close_lists(token);
        sign_ = token;
        sign_.identity = token.identity == "-" ? "-" : "+";
        have_sign_ = true;
        return;
    }
    const bool number = token.kind == TokenKind::number;
    const bool value_word = is(token, "null") || is(token, "true") || is(token, "false");
    const bool constant = number || token.kind == TokenKind::string || token.kind == TokenKind::parameter ||
                          (value_word && previous_ == Previous::operation);
    Token shown = token;
    if (have_sign_ && number) {
        shown.start = sign_.start;
        have_sign_ = false;
    }
    emit_pending_sign();
    close_lists(token);

    if (is(token, ".") && previous_ == Previous::dbperf)
        mentions_dbperf_ = true;
    const Previous before = previous_;

    if (closes(token)) {
        --depth_;
        emit(shown, false);
        if (list_count_ > 0) {
            List &list = lists_[static_cast<size_t>(list_count_ - 1)];
            if (list.kind == List::Kind::values && list.element_open && depth_ == list.depth) {
                end_element(list);
                list.element_open = false;
            }
        }
        return;
    }

    if (list_count_ > 0 && is(token, ",")) {
        List &list = lists_[static_cast<size_t>(list_count_ - 1)];
        if (depth_ == list.depth) {
            // The comma belongs to the element it introduces but not to its identity.
            if (list.kind != List::Kind::values)
                end_element(list);
            emit(shown, false);
            list.element = Hash64{};
            return;
        }
    }

    emit(shown, constant);

    if (opens(token)) {
        ++depth_;
        const bool in = before == Previous::in && is(token, "(");
        const bool array = before == Previous::array && is(token, "[");
        const bool values = before == Previous::values && is(token, "(");
        if ((in || array || values) && list_count_ < static_cast<int>(lists_.size())) {
            List &list = lists_[static_cast<size_t>(list_count_++)];
            list = List{};
            list.kind = in ? List::Kind::in : array ? List::Kind::array : List::Kind::values;
            list.depth = values ? depth_ - 1 : depth_;
            list.element_open = true;
            list.before = now_;
            // A row's own opening bracket is part of every row's identity.
            if (values)
                list.element.add(std::string_view("("));
        } else if (list_count_ > 0) {
            List &list = lists_[static_cast<size_t>(list_count_ - 1)];
            if (list.kind == List::Kind::values && depth_ - 1 == list.depth)
                list.element_open = true;
        }
    }
}

void Normalizer::finish() {
    emit_pending_sign();
    const Token end{TokenKind::symbol, static_cast<uint32_t>(source_.size()), static_cast<uint32_t>(source_.size()),
                    ";"};
    close_lists(end);
}

} // namespace dbperf::statements
