#include "core/json_reader.h"

#include "core/slice.h"

namespace dbperf::core {

bool JsonReader::fail() {
    failed_ = true;
    at_ = text_.size();
    return false;
}

void JsonReader::skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
        ++at_;
}

char JsonReader::peek() {
    if (pause_ && ++looks_ % 4096 == 0)
        pause_();
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonReader::enter(char bracket) {
    if (peek() != bracket)
        return fail();
    ++at_;
    return true;
}

bool JsonReader::read_string(std::string_view *raw) {
    if (peek() != '"')
        return fail();
    const size_t start = at_++;
    while (at_ < text_.size() && text_[at_] != '"')
        at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size())
        return fail();
    ++at_;
    *raw = slice(text_, start, at_ - start);
    return true;
}

bool JsonReader::next_key(std::string_view *key) {
    if (peek() == ',')
        ++at_;
    if (peek() == '}') {
        ++at_;
        return false;
    }
    std::string_view raw;
    if (!read_string(&raw))
        return false;
    *key = unquoted(raw);
    if (peek() != ':')
        return fail();
    ++at_;
    return true;
}

bool JsonReader::next_element() {
    if (peek() == ',')
        ++at_;
    if (peek() == ']') {
        ++at_;
        return false;
    }
    if (at_ == element_at_)
        return fail();
    element_at_ = at_;
    return at_ < text_.size() || fail();
}

bool JsonReader::skip_value(std::string_view *raw) {
    const char first = peek();
    const size_t start = at_;
    std::string_view string;
    if (first == '"') {
        if (!read_string(&string))
            return false;
    } else if (first == '{' || first == '[') {
        int depth = 0;
        do {
            const char c = peek();
            if (c == '"') {
                if (!read_string(&string))
                    return false;
                continue;
            }
            if (c == '\0')
                return fail();
            depth += c == '{' || c == '[';
            depth -= c == '}' || c == ']';
            ++at_;
        } while (depth > 0);
    } else {
        while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}' && text_[at_] != ']' && text_[at_] != '\n')
            ++at_;
        if (at_ == start)
            return fail();
    }
    if (raw)
        *raw = slice(text_, start, at_ - start);
    return true;
}

std::string_view unquoted(std::string_view raw) {
    return raw.size() >= 2 && raw.front() == '"' ? slice(raw, 1, raw.size() - 2) : std::string_view{};
}

} // namespace dbperf::core
