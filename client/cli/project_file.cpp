// The only file that includes toml++.
#include "cli/project_file.h"

#include "base/error.h"
#include "base/file_text.h"
#include "base/spelling.h"

#include <fmt/format.h>

#define TOML_HEADER_ONLY 1
// What it asserts, a wrong file can bring about ("[,"); it reports an error behind that.
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace dbperf::client::cli {
using namespace base;
using namespace queries;

namespace {

constexpr std::array<std::string_view, 7> known_keys = {
    "slow_query_threshold_ms", "database", "queries", "migrations", "budgets", "units", "check"};
constexpr std::array<std::string_view, 4> known_check_keys = {"baseline", "only_new", "warn_only", "reports"};

std::string location(const std::string &path, const toml::source_region &region) {
    return fmt::format("{}:{}", path, region.begin.line);
}

std::string text_value(const toml::node &node, std::string_view key, const std::string &path) {
    const auto value = node.value_exact<std::string>();
    if (!value)
        throw usage_error(fmt::format("{}: \"{}\" must be a text", location(path, node.source()), key));
    return *value;
}

// A path is meant from the project file's folder.
std::string from_folder(const std::string &project_file, const std::string &path) {
    return (std::filesystem::path(project_file).parent_path() / path).lexically_normal().string();
}

std::string folder_value(const toml::node &node, std::string_view key, const std::string &path) {
    return from_folder(path, text_value(node, key, path));
}

std::vector<Budget> query_budgets(const toml::node &node, std::string_view query, const std::string &path) {
    const toml::table *table = node.as_table();
    if (table == nullptr)
        throw usage_error(fmt::format("{}: the budgets of \"{}\" must be a table, as {{ p95 = \"20ms\" }}",
                                      location(path, node.source()), query));
    std::vector<Budget> budgets;
    for (const auto &[key, value] : *table) {
        const std::string where = location(path, value.source());
        std::string limit;
        if (const auto text = value.value_exact<std::string>())
            limit = *text;
        else if (const auto number = value.value<double>())
            limit = fmt::format("{}", *number);
        else
            throw usage_error(fmt::format("{}: a budget is a text as \"20ms\" or a number", where));
        budgets.push_back(parse_budget(key.str(), limit, where));
    }
    return budgets;
}

std::vector<UnitBudget> unit_budgets(const toml::node &node, std::string_view pattern, const std::string &path) {
    const toml::table *table = node.as_table();
    if (table == nullptr)
        throw usage_error(fmt::format("{}: the budgets of unit \"{}\" must be a table, as {{ statements = 12 }}",
                                      location(path, node.source()), pattern));
    std::vector<UnitBudget> budgets;
    for (const auto &[key, value] : *table) {
        const std::string where = location(path, value.source());
        const auto limit = value.value<double>();
        if (!limit)
            throw usage_error(fmt::format("{}: a budget of a unit of work is a number", where));
        budgets.push_back(parse_unit_budget(pattern, key.str(), *limit, where));
        budgets.back().line = static_cast<int>(value.source().begin.line);
    }
    return budgets;
}

std::vector<std::string> text_list(const toml::node &node, std::string_view key, const std::string &path) {
    const toml::array *list = node.as_array();
    if (list == nullptr)
        throw usage_error(
            fmt::format("{}: \"{}\" must be a list of texts, as [\"a\", \"b\"]", location(path, node.source()), key));
    std::vector<std::string> texts;
    for (const toml::node &each : *list)
        texts.push_back(text_value(each, key, path));
    return texts;
}

void require_known_kinds(const std::vector<std::string> &named, const Kinds &known_kinds, const std::string &where) {
    for (const std::string &kind : named)
        if (std::find(known_kinds.begin(), known_kinds.end(), kind) == known_kinds.end()) {
            std::string meant = did_you_mean(kind, known_kinds);
            throw usage_error(fmt::format("{}: \"{}\" is no kind of finding", where, kind),
                              meant.empty() ? fmt::format("kinds are {}", fmt::join(known_kinds, ", ")) : meant);
        }
}

CheckSection check_section(const toml::node &node, const std::string &path, const Kinds &kinds) {
    const toml::table *table = node.as_table();
    if (table == nullptr)
        throw usage_error(fmt::format("{}: \"check\" must be a table", location(path, node.source())));
    CheckSection check;
    for (const auto &[key, value] : *table) {
        const std::string_view name = key.str();
        if (name == "baseline") {
            check.baseline = text_value(value, name, path);
            std::error_code ignored;
            if (const std::string file = from_folder(path, check.baseline);
                std::filesystem::is_regular_file(file, ignored))
                check.baseline = file;
        } else if (name == "only_new") {
            const auto flag = value.value_exact<bool>();
            if (!flag)
                throw usage_error(
                    fmt::format("{}: \"only_new\" must be true or false", location(path, value.source())));
            check.only_new = *flag;
        } else if (name == "warn_only") {
            check.warn_only = text_list(value, name, path);
            require_known_kinds(check.warn_only, kinds, location(path, value.source()));
        } else if (name == "reports") {
            for (const std::string &report : text_list(value, name, path)) {
                const std::size_t equals = report.find('=');
                if (equals == std::string::npos)
                    throw usage_error(fmt::format("{}: \"{}\" is no report", location(path, value.source()), report),
                                      "write FORMAT=PATH, as \"junit=build/dbperf.xml\"");
                check.reports.push_back(report.substr(0, equals + 1) + from_folder(path, report.substr(equals + 1)));
            }
        } else {
            throw usage_error(fmt::format("{}: unknown key \"{}\" in [check]", location(path, key.source()), name),
                              did_you_mean(name, known_check_keys));
        }
    }
    return check;
}

} // namespace

ProjectFile parse_project_file(const std::string &text, const std::string &path, const Kinds &kinds) {
    toml::table table;
    try {
        table = toml::parse(text, path);
    } catch (const toml::parse_error &error) {
        throw usage_error(fmt::format("{}: {}", location(path, error.source()), error.description()));
    }
    ProjectFile project;
    project.path = path;
    for (const auto &[key, node] : table) {
        const std::string_view name = key.str();
        if (name == "slow_query_threshold_ms") {
            const auto value = node.value<double>();
            if (!value || !std::isfinite(*value) || *value <= 0)
                throw usage_error(
                    fmt::format("{}: \"{}\" must be a number above 0", location(path, node.source()), name));
            project.slow_query_threshold_ms = *value;
        } else if (name == "database") {
            project.database = text_value(node, name, path);
        } else if (name == "queries") {
            project.queries = folder_value(node, name, path);
        } else if (name == "migrations") {
            project.migrations = folder_value(node, name, path);
        } else if (name == "budgets") {
            if (!node.is_table())
                throw usage_error(fmt::format("{}: \"budgets\" must be a table", location(path, node.source())));
            for (const auto &[query, budgets] : *node.as_table())
                project.budgets[std::string(query.str())] = query_budgets(budgets, query.str(), path);
        } else if (name == "units") {
            if (!node.is_table())
                throw usage_error(fmt::format("{}: \"units\" must be a table", location(path, node.source())));
            for (const auto &[pattern, budgets] : *node.as_table())
                for (UnitBudget &each : unit_budgets(budgets, pattern.str(), path))
                    project.unit_budgets.push_back(std::move(each));
        } else if (name == "check") {
            project.check = check_section(node, path, kinds);
        } else {
            throw usage_error(fmt::format("{}: unknown key \"{}\"", location(path, key.source()), name),
                              did_you_mean(name, known_keys));
        }
    }
    return project;
}

namespace {

void require_trusted(const std::string &path) {
    struct stat is {};
    if (stat(path.c_str(), &is) != 0)
        throw usage_error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
    if ((is.st_uid != geteuid() && is.st_uid != 0) || (is.st_mode & S_IWOTH) != 0)
        throw usage_error(
            fmt::format("{} {}", path,
                        (is.st_mode & S_IWOTH) != 0 ? "can be written by everybody" : "belongs to another user"),
            "name it with --config if it is meant");
}

} // namespace

ProjectFile load_project_file(const std::string &path, const Kinds &kinds) {
    namespace fs = std::filesystem;
    if (!path.empty())
        return parse_project_file(read_file(path), fs::absolute(path).string(), kinds);
    std::error_code ignored;
    bool is_near = true; // up to the repository's root; without one: here
    const fs::path here = fs::current_path(ignored);
    bool in_repository = false;
    for (fs::path folder = here; !folder.empty() && !in_repository && folder != folder.root_path();
         folder = folder.parent_path())
        in_repository = fs::exists(folder / ".git", ignored);
    for (fs::path folder = here; !folder.empty(); folder = folder.parent_path()) {
        const fs::path candidate = folder / "dbperf.toml";
        if (fs::is_regular_file(candidate, ignored)) {
            require_trusted(candidate.string());
            ProjectFile project = parse_project_file(read_file(candidate.string()), candidate.string(), kinds);
            project.is_far = !is_near;
            return project;
        }
        is_near = is_near && in_repository && !fs::exists(folder / ".git", ignored);
        if (folder == folder.root_path())
            break;
    }
    return {};
}

} // namespace dbperf::client::cli
