#include "queries/query_file.h"

#include "base/error.h"
#include "base/file_text.h"
#include "base/spelling.h"
#include "queries/sql_scanner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>

namespace dbperf::client::queries {
using namespace base;

namespace {

constexpr std::array<std::string_view, 7> known_settings = {"budget_avg",  "budget_p95",    "budget_p99",  "budget_max",
                                                            "budget_rows", "budget_blocks", "budget_calls"};

// "-- key: value" gives the value, anything else nothing.
std::optional<std::string_view> annotation(std::string_view line, std::string_view key) {
    line = trim(line);
    if (!line.starts_with("--"))
        return std::nullopt;
    line = trim(line.substr(2));
    if (!line.starts_with(key) || line.substr(key.size(), 1) != ":")
        return std::nullopt;
    return trim(line.substr(key.size() + 1));
}

// sqlc writes ":one" behind the name, aiosql one of ^ $ ! <! *! #; neither matters here.
std::string query_name(std::string_view value, const std::string &where) {
    std::string name(value.substr(0, value.find_first_of(" \t")));
    while (!name.empty() && std::string_view("^$!<*#").find(name.back()) != std::string_view::npos)
        name.pop_back();
    if (name.empty())
        throw usage_error(fmt::format("{}: a name is missing after \"-- name:\"", where));
    if (name.size() > 63)
        throw usage_error(fmt::format("{}: the name \"{}\" is longer than 63 bytes", where, name));
    return name;
}

void add_settings(std::vector<Budget> &budgets, std::string_view value, const std::string &where) {
    std::istringstream words{std::string(value)};
    for (std::string word; words >> word;) {
        const std::size_t equals = word.find('=');
        const std::string key = word.substr(0, equals);
        if (std::find(known_settings.begin(), known_settings.end(), key) == known_settings.end())
            throw usage_error(fmt::format("{}: unknown setting \"{}\"", where, key), did_you_mean(key, known_settings));
        if (equals == std::string::npos)
            throw usage_error(fmt::format("{}: \"{}\" needs a value, as {}=20ms", where, key, key));
        budgets.push_back(parse_budget(std::string_view(key).substr(std::string_view("budget_").size()),
                                       word.substr(equals + 1), where));
    }
}

// The part of a file that belongs to one query.
struct Section {
    MonitoredQuery query;
    std::string body; // its lines, annotations blanked, so that lines count as in the file
    int first_line = 1;
};

void finish_section(const Section &section, std::vector<MonitoredQuery> &queries) {
    MonitoredQuery query = section.query;
    const auto where = [&](std::size_t offset) {
        return fmt::format("{}:{}", query.file, section.first_line - 1 + line_at(section.body, offset));
    };
    for (const Token &token : scan_sql(section.body)) {
        if (token.kind == TokenKind::unfinished)
            throw usage_error(fmt::format("{}: this quote or comment never ends", where(token.offset)));
        if (token.kind == TokenKind::meta)
            throw usage_error(
                fmt::format("{}: psql commands are not understood in monitored queries", where(token.offset)));
    }
    const std::vector<Statement> statements = split_statements(section.body);
    if (statements.empty())
        throw usage_error(
            fmt::format("{}:{}: the query \"{}\" has no statement", query.file, section.first_line, query.name));
    if (statements.size() > 1)
        throw usage_error(
            fmt::format("{}: the query \"{}\" has more than one statement", where(statements[1].offset), query.name),
            "begin each query with a line \"-- name: ...\"");
    query.sql = statements.front().text;
    query.line = section.first_line - 1 + line_at(section.body, statements.front().offset);
    queries.push_back(std::move(query));
}

} // namespace

std::vector<MonitoredQuery> parse_query_file(const std::string &text, const std::string &file) {
    std::vector<MonitoredQuery> queries;
    Section section;
    section.query.file = file;
    section.query.name = std::filesystem::path(file).stem().string();
    bool named = false;
    bool in_params = false;
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        const std::string where = fmt::format("{}:{}", file, number);
        if (const auto name = annotation(line, "name")) {
            if (named || !split_statements(section.body).empty())
                finish_section(section, queries);
            MonitoredQuery next;
            next.file = file;
            next.name = query_name(*name, where);
            section = {std::move(next), "", number};
            named = true;
            line.clear();
        } else if (const auto params = annotation(line, "params")) {
            if (!section.query.params_sql.empty())
                throw usage_error(fmt::format("{}: a second \"-- params:\" for \"{}\"", where, section.query.name));
            section.query.params_sql = *params;
            section.query.params_line = number;
            section.body += '\n';
            in_params = true;
            continue;
        } else if (const auto settings = annotation(line, "dbperf")) {
            add_settings(section.query.budgets, *settings, where);
            line.clear();
        } else if (in_params && line.starts_with("--   ")) {
            section.query.params_sql += '\n'; // an indented comment goes on with the SELECT
            section.query.params_sql += trim(std::string_view(line).substr(2));
            section.body += '\n';
            continue;
        }
        in_params = false;
        section.body += line;
        section.body += '\n';
    }
    if (trim(text).empty())
        throw usage_error(fmt::format("{} is empty", file), "a query file holds \"-- name: ...\" and one statement");
    finish_section(section, queries);
    return queries;
}

std::vector<MonitoredQuery> load_queries(const std::string &path) {
    std::vector<MonitoredQuery> queries;
    std::map<std::string, std::string> locations;
    for (const std::string &file : list_files(path, ".sql"))
        for (MonitoredQuery &query : parse_query_file(read_file(file), file)) {
            const std::string location = fmt::format("{}:{}", file, query.line);
            const auto [known, added] = locations.emplace(query.name, location);
            if (!added)
                throw usage_error(fmt::format("{}: a second query is named \"{}\"; the first is at {}", location,
                                              query.name, known->second));
            queries.push_back(std::move(query));
        }
    if (queries.empty())
        throw usage_error(fmt::format("no *.sql file in {}", path));
    return queries;
}

BoundStatement bind_placeholders(const MonitoredQuery &query, const std::vector<std::string> &columns) {
    BoundStatement bound;
    const auto where = [&](const Token &token) {
        return fmt::format("{}:{}", query.file, query.line - 1 + line_at(query.sql, token.offset));
    };
    bool numbered = false;
    std::size_t highest = 0;
    for (const Token &token : scan_sql(query.sql)) {
        if (token.kind == TokenKind::parameter) {
            const std::size_t number = std::strtoul(std::string(token.text.substr(1)).c_str(), nullptr, 10);
            if (number == 0 || number > columns.size())
                throw usage_error(fmt::format("{}: {} has no value: \"-- params:\" gives {} column{}", where(token),
                                              token.text, columns.size(), columns.size() == 1 ? "" : "s"));
            numbered = true;
            highest = std::max(highest, number);
        }
        if (token.kind != TokenKind::placeholder) {
            bound.sql += token.text;
            continue;
        }
        const std::string_view name = token.text.substr(1);
        const auto column = std::find(columns.begin(), columns.end(), name);
        if (column == columns.end())
            throw usage_error(fmt::format("{}: the placeholder :{} is no column of \"-- params:\"", where(token), name),
                              columns.empty() ? "add a line \"-- params: SELECT ... AS " + std::string(name) + "\""
                                              : "its columns are: " + fmt::format("{}", fmt::join(columns, ", ")));
        const auto index = static_cast<std::size_t>(column - columns.begin());
        auto known = std::find(bound.columns.begin(), bound.columns.end(), index);
        if (known == bound.columns.end())
            known = bound.columns.insert(bound.columns.end(), index);
        bound.sql += fmt::format("${}", known - bound.columns.begin() + 1);
    }
    if (numbered && !bound.columns.empty())
        throw usage_error(
            fmt::format("{}:{}: the query \"{}\" mixes :name and $1", query.file, query.line, query.name));
    for (std::size_t i = 0; numbered && i < highest; ++i)
        bound.columns.push_back(i);
    return bound;
}

} // namespace dbperf::client::queries
