// The pull reader against a full parser: what that one accepts is read completely and equally; anything else ends.
#include "core/json_reader.h"

#include <fuzz/target.h>

#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

using namespace dbperf::core;

namespace {

constexpr int deepest = 200;

// Walks as the readers of plans do; an element that nobody reads would be offered for ever.
void walk(JsonReader &reader, int depth, size_t &steps) {
    FUZZ_CHECK(steps-- > 0);
    std::string_view key;
    if (depth > deepest) {
        reader.skip_value();
    } else if (reader.peek() == '{') {
        reader.enter('{');
        while (reader.next_key(&key))
            walk(reader, depth + 1, steps);
    } else if (reader.peek() == '[') {
        reader.enter('[');
        while (!reader.failed() && reader.next_element())
            walk(reader, depth + 1, steps);
    } else {
        reader.skip_value();
    }
}

void compare(JsonReader &reader, const nlohmann::ordered_json &value, int depth) {
    std::string_view raw;
    if (depth > deepest || !value.is_structured()) {
        FUZZ_CHECK(reader.skip_value(&raw));
        if (value.is_string())
            FUZZ_CHECK(nlohmann::json::parse('"' + std::string(unquoted(raw)) + '"') == value.get<std::string>());
        else
            FUZZ_CHECK_SHOWN(nlohmann::ordered_json::parse(raw) == value, std::string(raw));
    } else if (value.is_object()) {
        FUZZ_CHECK(reader.enter('{'));
        std::string_view key;
        // Of equal keys the parser keeps one: such texts are not compared any further.
        for (const auto &[name, member] : value.items()) {
            FUZZ_CHECK(reader.next_key(&key));
            if (nlohmann::json::parse('"' + std::string(key) + '"') != name)
                return;
            compare(reader, member, depth + 1);
        }
        reader.next_key(&key);
    } else {
        FUZZ_CHECK(reader.enter('['));
        for (const nlohmann::ordered_json &element : value) {
            FUZZ_CHECK(reader.next_element());
            compare(reader, element, depth + 1);
        }
        FUZZ_CHECK(!reader.next_element() && !reader.failed());
    }
}

bool has_equal_keys(std::string_view text) {
    std::vector<std::set<std::string>> open;
    bool found = false;
    const auto callback = [&](int, nlohmann::json::parse_event_t event, nlohmann::json &parsed) {
        if (event == nlohmann::json::parse_event_t::object_start)
            open.emplace_back();
        if (event == nlohmann::json::parse_event_t::key)
            found = !open.back().insert(parsed.get<std::string>()).second || found;
        if (event == nlohmann::json::parse_event_t::object_end)
            open.pop_back();
        return true;
    };
    (void)nlohmann::json::parse(text, callback, false);
    return found;
}

} // namespace

FUZZ_PART(json_reader) {
    const std::string_view text = input.rest();
    JsonReader reader(text);
    size_t steps = 4 * text.size() + 16;
    walk(reader, 0, steps);
    JsonReader skipping(text);
    std::string_view raw;
    const bool skipped = skipping.skip_value(&raw);
    FUZZ_CHECK(skipped != skipping.failed());
    const auto parsed = nlohmann::ordered_json::parse(text, nullptr, false);
    if (parsed.is_discarded() || text.substr(0, 3) == "\xEF\xBB\xBF" || has_equal_keys(text))
        return;
    FUZZ_CHECK(skipped && !reader.failed());
    JsonReader comparing(text);
    compare(comparing, parsed, 0);
}
