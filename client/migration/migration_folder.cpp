#include "migration/migration_folder.h"

#include "base/character.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>

namespace dbperf::client::migration {
using namespace base;

namespace {

struct Versioned {
    std::vector<std::string> version; // numbers without leading zeros, of any length
    bool repeatable = false;
    std::string name;
    std::string path;
};

bool number_less(const std::string &a, const std::string &b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

bool version_less(const Versioned &a, const Versioned &b) {
    if (a.repeatable != b.repeatable)
        return b.repeatable;
    if (a.version != b.version)
        return std::lexicographical_compare(a.version.begin(), a.version.end(), b.version.begin(), b.version.end(),
                                            number_less);
    return a.name < b.name;
}

// "1.2_3" is 1, 2, 3; what follows the last digit of it is left in *rest.
std::vector<std::string> read_version(std::string_view text, bool dotted, std::string_view *rest) {
    std::vector<std::string> numbers;
    while (!text.empty() && is_digit(text.front())) {
        std::size_t length = 0;
        while (length < text.size() && is_digit(text[length]))
            ++length;
        std::string_view number = text.substr(0, length);
        while (number.size() > 1 && number.front() == '0')
            number.remove_prefix(1);
        numbers.emplace_back(number);
        text.remove_prefix(length);
        if (!dotted || text.size() < 2 || (text[0] != '.' && text[0] != '_') || !is_digit(text[1]))
            break;
        text.remove_prefix(1);
    }
    *rest = text;
    return numbers;
}

bool is_flyway(std::string_view name, char kind) {
    return !name.empty() && name.front() == kind && name.find("__") != std::string_view::npos;
}

} // namespace

std::vector<std::string> order_migrations(std::vector<std::string> paths) {
    std::vector<Versioned> found;
    for (std::string &path : paths) {
        Versioned each;
        each.name = std::filesystem::path(path).filename().string();
        std::string_view rest = each.name;
        if (each.name.ends_with(".down.sql") || is_flyway(each.name, 'U'))
            continue;
        each.repeatable = is_flyway(each.name, 'R') && each.name.starts_with("R__");
        if (is_flyway(each.name, 'V'))
            each.version = read_version(rest.substr(1), true, &rest);
        else if (!each.repeatable)
            each.version = read_version(rest, false, &rest);
        if (each.version.empty() && !each.repeatable)
            throw usage_error(fmt::format("{}: its name does not begin with a version", path),
                              "name migrations 001_name.sql, 001_name.up.sql or V1__name.sql, and keep other SQL "
                              "elsewhere");
        each.path = std::move(path);
        found.push_back(std::move(each));
    }
    std::sort(found.begin(), found.end(), version_less);
    for (std::size_t i = 1; i < found.size(); ++i)
        if (!found[i].repeatable && found[i].version == found[i - 1].version)
            throw usage_error(fmt::format("{} and {} have the same version", found[i - 1].path, found[i].path));
    std::vector<std::string> ordered;
    for (Versioned &each : found)
        ordered.push_back(std::move(each.path));
    return ordered;
}

} // namespace dbperf::client::migration
