#include "base/secret.h"

#include "base/character.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace dbperf::client::base {
namespace {

constexpr std::size_t shortest = 3; // what is shorter would leave nothing of a message
constexpr std::string_view keyword = "password";

std::vector<std::string> &secrets() {
    static std::vector<std::string> all;
    return all;
}

// What follows "postgresql://", or what somebody wrote for that; 0 when it is no URI.
std::size_t after_scheme(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && std::isalpha(static_cast<unsigned char>(text[at])) != 0)
        ++at;
    if (at == 0)
        return 0;
    const std::size_t slashes = text.find_first_not_of(':', at);
    const std::size_t end = std::min(text.find_first_not_of('/', slashes), text.size());
    return slashes < text.size() && text[slashes] == '/' ? end : 0;
}

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Where "?name=" begins, or npos; another question mark is one of a password.
std::size_t query_of(std::string_view uri, std::size_t begin) {
    for (std::size_t at = uri.find('?', begin); at != std::string_view::npos; at = uri.find('?', at + 1)) {
        const std::size_t end = uri.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at + 1);
        if (end != std::string_view::npos && end > at + 1 && uri[end] == '=')
            return at;
    }
    return std::string_view::npos;
}

// From the first colon to the last @; none when a port and a path explain them.
TextSpan password_of_authority(std::string_view uri, std::size_t begin) {
    const std::size_t colon = uri.find(':', begin);
    if (colon == std::string_view::npos)
        return {};
    const std::size_t at = uri.substr(0, query_of(uri, begin)).rfind('@');
    if (at == std::string_view::npos || at < colon || uri.find_first_of("@/[", begin) < colon)
        return {};
    const std::string_view between = uri.substr(colon + 1, at - colon - 1);
    if (const std::size_t path = between.find('/');
        path != std::string_view::npos && is_number(between.substr(0, path)))
        return {};
    return {colon + 1, between.size()};
}

void add_query_passwords(std::string_view uri, std::vector<TextSpan> &found) {
    for (std::size_t at = uri.find('?'); at != std::string_view::npos; at = uri.find('&', at + 1)) {
        const std::string_view rest = uri.substr(at + 1);
        if (rest.starts_with(keyword) && rest.substr(keyword.size()).starts_with('='))
            found.push_back({at + 1 + keyword.size() + 1, rest.substr(keyword.size() + 1).find('&')});
    }
}

void add_keyword_passwords(std::string_view text, std::vector<TextSpan> &found) {
    for (std::size_t at = 0; at < text.size();) {
        at = std::min(text.find_first_not_of(white_space, at), text.size());
        const std::size_t equals = text.find('=', at);
        if (equals == std::string_view::npos)
            return;
        std::string_view name = text.substr(at, equals - at);
        name = name.substr(0, name.find_first_of(white_space));
        std::size_t end = text.find_first_not_of(white_space, equals + 1);
        if (end == std::string_view::npos)
            return;
        const bool quoted = text[end] == '\'';
        const std::size_t begin = end += quoted ? 1 : 0;
        for (;
             end < text.size() && (quoted ? text[end] != '\'' : white_space.find(text[end]) == std::string_view::npos);
             ++end)
            if (text[end] == '\\' && end + 1 < text.size())
                ++end;
        if (name == keyword)
            found.push_back({begin, end - begin});
        at = end + (quoted ? 1 : 0);
    }
}

std::string decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_code = text[i] == '%' && i + 2 < text.size() &&
                             std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
                             std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0;
        plain +=
            is_code ? static_cast<char>(std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16)) : text[i];
        i += is_code ? 2 : 0;
    }
    return plain;
}

} // namespace

std::vector<TextSpan> passwords_in(std::string_view text) {
    std::vector<TextSpan> found;
    const std::size_t begin = after_scheme(text);
    if (begin == 0) {
        add_keyword_passwords(text, found);
    } else {
        if (const TextSpan password = password_of_authority(text, begin); password.length > 0)
            found.push_back(password);
        add_query_passwords(text, found);
    }
    for (TextSpan &each : found)
        each.length = std::min(each.length, text.size() - each.begin);
    std::erase_if(found, [](const TextSpan &each) { return each.length == 0; });
    return found;
}

bool is_ambiguous_uri(std::string_view uri) {
    const std::size_t begin = after_scheme(uri);
    if (begin == 0)
        return false;
    const TextSpan password = password_of_authority(uri, begin);
    return uri.substr(password.begin, password.length).find_first_of("@/?") != std::string_view::npos;
}

void conceal_passwords_of(std::string_view text) {
    for (const TextSpan &each : passwords_in(text)) {
        const std::string_view password = text.substr(each.begin, each.length);
        for (const std::string &form : {std::string(password), decoded(password)})
            if (form.size() >= shortest)
                secrets().push_back(form);
    }
}

bool conceal_arguments(int argc, char **argv) {
    bool any = false;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        std::size_t begin = 0; // of the connection string: --from=URI, or a word of its own
        if (argument.starts_with("--"))
            begin = std::min(argument.find('='), argument.size() - 1) + 1;
        else if (argument.starts_with("-d"))
            begin = 2;
        if (argument == "--")
            break; // what comes is somebody else's command
        const std::string_view text = std::string_view(argument).substr(begin);
        conceal_passwords_of(text);
        for (const TextSpan &each : passwords_in(text)) {
            std::fill_n(argv[i] + begin + each.begin, each.length, '*');
            any = true;
        }
    }
    return any;
}

std::string without_passwords(std::string text) {
    for (const std::string &secret : secrets())
        for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
            text.replace(at, secret.size(), "***");
    return text;
}

} // namespace dbperf::client::base
