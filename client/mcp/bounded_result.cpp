#include "mcp/bounded_result.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

namespace dbperf::client::mcp {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t max_kept = 16;
constexpr std::size_t max_kept_bytes = 64U << 20U;
constexpr std::size_t max_notes = 40;
constexpr std::size_t least_of_a_text = 120;
constexpr std::size_t least_of_an_element = 1500; // smaller ones are not cut to make room for more

std::string text_of(const Json &value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Not inside of a character of UTF-8.
std::size_t character_start(std::string_view text, std::size_t at) {
    at = std::min(at, text.size());
    while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U)
        --at;
    return at;
}

std::string pointer_to(const std::string &at, std::string_view name) {
    std::string result = at + "/";
    for (const char c : name)
        result += c == '~' ? std::string("~0") : c == '/' ? std::string("~1") : std::string(1, c);
    return result;
}

class Cutter {
public:
    Json cut(const Json &value, const std::string &at, std::size_t budget) {
        if (text_of(value).size() <= budget)
            return value;
        if (value.is_string())
            return cut_text(value.get_ref<const std::string &>(), at, budget);
        if (value.is_array())
            return cut_list(value, at, budget);
        return value.is_object() ? cut_object(value, at, budget) : value;
    }
    Json notes = Json::array();

private:
    void note(const std::string &at, std::size_t shown, std::size_t of) {
        if (notes.size() < max_notes)
            notes.push_back({{"at", at}, {"shown", shown}, {"of", of}});
    }

    Json cut_text(const std::string &text, const std::string &at, std::size_t budget) {
        const std::size_t size = character_start(text, std::max(budget, least_of_a_text));
        if (size == text.size())
            return text;
        note(at, size, text.size());
        return text.substr(0, size) + "...";
    }

    Json cut_list(const Json &list, const std::string &at, std::size_t budget) {
        Json result = Json::array();
        const std::size_t most = std::max(budget / 8, least_of_an_element);
        std::size_t used = 2;
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (used >= budget && i > 0)
                break;
            Json element = cut(list[i], pointer_to(at, std::to_string(i)), std::min(most, budget));
            const std::size_t size = text_of(element).size() + 1;
            if (used + size > budget && i > 0)
                break;
            used += size;
            result.push_back(std::move(element));
        }
        if (result.size() < list.size())
            note(at, result.size(), list.size());
        return result;
    }

    // What is small stays whole; the large ones share what is left.
    Json cut_object(const Json &object, const std::string &at, std::size_t budget) {
        std::vector<std::pair<std::string, std::size_t>> sizes;
        for (const auto &[name, value] : object.items())
            sizes.emplace_back(name, text_of(value).size());
        std::vector<std::size_t> order(sizes.size());
        std::iota(order.begin(), order.end(), 0U);
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return sizes[a].second < sizes[b].second; });
        std::vector<std::size_t> shares(sizes.size());
        std::size_t left = budget;
        for (std::size_t i = 0; i < order.size(); ++i) {
            const std::size_t overhead = sizes[order[i]].first.size() + 4;
            const std::size_t share = left / (order.size() - i);
            shares[order[i]] = share > overhead ? share - overhead : 0;
            left -= std::min(left, std::min(sizes[order[i]].second, shares[order[i]]) + overhead);
        }
        Json result = Json::object();
        std::size_t i = 0, used = 2;
        for (const auto &[name, value] : object.items()) {
            const std::size_t share = shares[i++];
            Json kept = cut(value, pointer_to(at, name), share);
            const std::size_t size = text_of(kept).size() + name.size() + 4;
            if (used + size > budget + least_of_a_text) {
                if (value.is_array())
                    note(pointer_to(at, name), 0, value.size());
                continue;
            }
            used += size;
            result[name] = std::move(kept);
        }
        if (result.size() < object.size())
            note(at, result.size(), object.size());
        return result;
    }
};

} // namespace

std::string KeptResults::bounded(Json result) {
    const std::string whole = text_of(result);
    if (whole.size() <= max_bytes_)
        return whole;
    const std::string id = "r" + std::to_string(++made_);
    std::string text;
    for (std::size_t budget = max_bytes_ * 3 / 4; budget >= least_of_a_text; budget /= 2) {
        Cutter cutter;
        Json shown = cutter.cut(result, "", budget);
        if (!shown.is_object())
            shown = {{"value", std::move(shown)}};
        shown["result"] = id;
        shown["left_off"] = std::move(cutter.notes);
        text = text_of(shown);
        if (text.size() <= max_bytes_)
            break;
        text.clear();
    }
    if (text.empty())
        text = text_of({{"result", id}, {"left_off", {{{"at", ""}, {"shown", 0}, {"of", result.size()}}}}});
    kept_bytes_ += whole.size();
    kept_.emplace_back(id, std::move(result));
    while (kept_.size() > 1 && (kept_.size() > max_kept || kept_bytes_ > max_kept_bytes)) {
        kept_bytes_ -= std::min(kept_bytes_, text_of(kept_.front().second).size());
        kept_.pop_front();
    }
    return text;
}

const Json *KeptResults::find(const std::string &id) const {
    for (const auto &[name, value] : kept_)
        if (name == id)
            return &value;
    return nullptr;
}

std::optional<std::string> KeptResults::more(const std::string &id, const std::string &at, std::size_t offset) {
    const Json *result = find(id);
    if (result == nullptr)
        return std::nullopt;
    try {
        const Json::json_pointer place(at == "/" ? "" : at);
        if (!result->contains(place) && !at.empty() && at != "/")
            return std::nullopt;
        const Json &value = result->at(place);
        Json answer = {{"at", at}, {"offset", offset}};
        if (value.is_string()) {
            const auto &text = value.get_ref<const std::string &>();
            const std::size_t begin = character_start(text, offset);
            const std::size_t end = character_start(text, begin + max_bytes_ / 3); // escapes take more room
            answer["of"] = text.size();
            answer["next"] = end < text.size() ? Json(end) : Json();
            answer["text"] = text.substr(begin, end - begin);
            std::string line = text_of(answer);
            while (line.size() > max_bytes_ && answer["text"].get_ref<const std::string &>().size() > 1) {
                std::string shorter = answer["text"].get<std::string>();
                shorter.resize(character_start(shorter, shorter.size() / 2));
                answer["next"] = begin + shorter.size();
                answer["text"] = std::move(shorter);
                line = text_of(answer);
            }
            return line;
        }
        if (!value.is_array())
            return bounded({{"at", at}, {"value", value}});
        Json elements = Json::array();
        std::size_t used = 0, next = std::min(offset, value.size());
        for (; next < value.size() && (elements.empty() || used < max_bytes_ / 2); ++next) {
            used += text_of(value[next]).size();
            if (!elements.empty() && used > max_bytes_ / 2)
                break;
            elements.push_back(value[next]);
        }
        answer["of"] = value.size();
        answer["next"] = next < value.size() ? Json(next) : Json();
        answer["elements"] = std::move(elements);
        return bounded(std::move(answer));
    } catch (const Json::exception &) { // no pointer
        return std::nullopt;
    }
}

} // namespace dbperf::client::mcp
