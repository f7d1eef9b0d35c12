#include "baseline/baseline_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client::baseline {
namespace {

bool is_plain(const nlohmann::json &value) {
    return value.empty() || !value.is_structured() ||
           (value.is_array() &&
            std::none_of(value.begin(), value.end(), [](const nlohmann::json &each) { return each.is_structured(); }));
}

void write_json(std::string &text, const nlohmann::json &value, std::size_t indent) {
    if (is_plain(value)) {
        text += value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        return;
    }
    const std::string space(indent + 1, ' ');
    text += value.is_object() ? "{\n" : "[\n";
    bool first = true;
    for (const auto &[key, member] : value.items()) {
        text += first ? space : ",\n" + space;
        first = false;
        if (value.is_object())
            text += nlohmann::json(key).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + ": ";
        write_json(text, member, indent + 1);
    }
    text += "\n" + std::string(indent, ' ') + (value.is_object() ? "}" : "]");
}

} // namespace

std::string baseline_text(const nlohmann::json &value) {
    std::string text;
    write_json(text, value, 0);
    return text + "\n";
}

} // namespace dbperf::client::baseline
