// Hashes a plan tree bottom-up while reading it.
#include "plans/plan_shape.h"

#include <array>

#include "core/hash.h"
#include "core/json_reader.h"
#include "core/slice.h"
#include "plans/plan_json.h"

namespace dbperf::plans {
using namespace core;

namespace {

bool is_name_part(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

// Adds an expression without its string and number literals.
void add_expression(Hash64 &hash, std::string_view text) {
    uint64_t word = 0;
    for (size_t at = 0; at < text.size(); ++at) {
        char c = text[at];
        if (c == '\'') {
            while (++at < text.size() && text[at] != '\'') {
            }
            c = '?';
        } else if (is_digit(c) && (at == 0 || !is_name_part(text[at - 1]))) {
            while (at + 1 < text.size() && (is_digit(text[at + 1]) || text[at + 1] == '.'))
                ++at;
            c = '?';
        }
        word = mix_bits(word ^ static_cast<unsigned char>(c));
    }
    hash.add(word);
}

enum class Field : uint8_t { none, word, expression, relation, alias, index };

// What a key of EXPLAIN's JSON contributes.
Field field_of(std::string_view key) {
    struct Known {
        std::string_view key;
        Field field;
    };
    static constexpr std::array known{
        Known{"Node Type", Field::word},
        Known{"Strategy", Field::word},
        Known{"Partial Mode", Field::word},
        Known{"Operation", Field::word},
        Known{"Join Type", Field::word},
        Known{"Inner Unique", Field::none},
        Known{"Scan Direction", Field::word},
        Known{"Command", Field::word},
        Known{"Subplan Name", Field::word},
        Known{"CTE Name", Field::word},
        Known{"Function Name", Field::word},
        Known{"Parent Relationship", Field::word},
        Known{"Custom Plan Provider", Field::word},
        Known{"Relation Name", Field::relation},
        Known{"Alias", Field::alias},
        Known{"Index Name", Field::index},
        Known{"Sort Key", Field::expression},
        Known{"Presorted Key", Field::expression},
        Known{"Group Key", Field::expression},
        Known{"Hash Cond", Field::expression},
        Known{"Merge Cond", Field::expression},
        Known{"Cache Key", Field::expression},
        Known{"Grouping Sets", Field::expression},
        Known{"Hash Key", Field::expression},
    };
    for (const Known &entry : known)
        if (entry.key == key)
            return entry.field;
    return Field::none;
}

uint64_t shape_of_node(JsonReader &reader, bool member, int depth);

// Children count in order; equal members of an Append count once.
void add_children(JsonReader &reader, Hash64 &hash, bool appends, int depth) {
    if (!reader.enter('['))
        return;
    uint64_t last = 0;
    while (!reader.failed() && reader.next_element()) {
        const uint64_t child = shape_of_node(reader, appends, depth + 1);
        if (!appends || child != last)
            hash.add(child);
        last = child;
    }
}

// `member`: below an Append, where names of partitions are replaced by what they have in common.
uint64_t shape_of_node(JsonReader &reader, bool member, int depth) {
    if (depth > deepest_plan) {
        reader.skip_value();
        return 0;
    }
    if (!reader.enter('{'))
        return 0;
    // Keys arrive in an order that differs between versions, so each contributes by itself.
    uint64_t fields = 0;
    Hash64 children;
    bool appends = false;
    std::string_view key, raw;
    while (reader.next_key(&key)) {
        if (key == "Plans") {
            add_children(reader, children, appends, depth);
            continue;
        }
        if (!reader.skip_value(&raw))
            break;
        const Field field = field_of(key);
        if (field == Field::none)
            continue;
        const std::string_view text = unquoted(raw);
        if (key == "Node Type")
            appends = text == "Append" || text == "Merge Append";
        // A forward scan is the normal case; whether it is printed depends on the node type.
        if (key == "Scan Direction" && text != "Backward")
            continue;
        Hash64 one;
        one.add(key);
        if (field == Field::expression)
            add_expression(one, raw);
        else if (field == Field::alias && member)
            one.add(without_number(text));
        else if ((field == Field::relation || field == Field::index) && member)
            one.add(std::string_view("partition"));
        else
            one.add(text);
        fields += one.value();
    }
    Hash64 node;
    node.add(fields);
    node.add(children.value());
    return node.value();
}

} // namespace

uint64_t plan_shape(std::string_view explain_json, void (*pause)()) {
    JsonReader reader(explain_json, pause);
    if (reader.peek() == '[' && (!reader.enter('[') || !reader.next_element()))
        return 0;
    if (!reader.enter('{'))
        return 0;
    std::string_view key;
    while (reader.next_key(&key)) {
        if (key == "Plan") {
            const uint64_t shape = shape_of_node(reader, false, 0);
            return reader.failed() ? 0 : shape;
        }
        if (!reader.skip_value())
            return 0;
    }
    return 0;
}

} // namespace dbperf::plans
