#include "mcp/shared_objects.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace dbperf::client::mcp {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> shared = {
    {{"DATABASE", "a database"},
     {"ROLE", "a role"},
     {"USER", "a role"},
     {"GROUP", "a role"},
     {"TABLESPACE", "a tablespace"},
     {"SYSTEM", "the server's settings"},
     {"SUBSCRIPTION", "a subscription"},
     {"OWNED", "what a role owns in every database"}}};

std::string named(std::string_view word) {
    const auto found = std::find_if(shared.begin(), shared.end(), [&](const auto &each) { return each.first == word; });
    return found == shared.end() ? std::string() : std::string(found->second);
}

} // namespace

std::string shared_object(const std::vector<std::string> &words) {
    if (words.size() < 2)
        return {};
    const std::string &verb = words[0];
    if (verb == "CREATE" || verb == "ALTER" || verb == "DROP" || verb == "REASSIGN") {
        // USER MAPPING and USER in the name of nothing else: a mapping is the database's own.
        if (words[1] == "USER" && words.size() > 2 && words[2] == "MAPPING")
            return {};
        return named(words[1]);
    }
    if ((verb == "COMMENT" || verb == "SECURITY") && words.size() > 2)
        return named(words[verb == "COMMENT" ? 2 : std::min<std::size_t>(3, words.size() - 1)]);
    if (verb == "COPY" && std::find(words.begin(), words.end(), "PROGRAM") != words.end())
        return "a program";
    return {};
}

} // namespace dbperf::client::mcp
