#include "findings/places.h"

#include "base/error.h"
#include "base/file_text.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <utility>

namespace dbperf::client::findings {
using namespace base;
using namespace queries;

namespace {

constexpr const char *usual_project_file = "dbperf.toml";
constexpr std::size_t max_migrations = 2000;

bool is_space(char c) {
    return std::isspace(static_cast<unsigned char>(c)) != 0;
}

char folded(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// In the order of their names, so that the last one that says it is the latest.
std::vector<std::pair<std::string, std::string>> migration_texts(const std::string &folder) {
    std::vector<std::pair<std::string, std::string>> texts;
    try {
        for (const std::string &file : list_files(folder, ".sql"))
            if (texts.size() < max_migrations)
                texts.emplace_back(file, read_file(file));
    } catch (const Error &) { // what cannot be read is no place
        texts.clear();
    }
    return texts;
}

// A place outside of the repository means nothing to who reads a report elsewhere.
bool is_inside(const std::string &file) {
    const std::filesystem::path path(file);
    return !file.empty() && !path.is_absolute() && *path.begin() != "..";
}

} // namespace

int line_of_statement(std::string_view text, std::string_view statement) {
    while (!statement.empty() && (is_space(statement.back()) || statement.back() == ';'))
        statement.remove_suffix(1);
    while (!statement.empty() && is_space(statement.front()))
        statement.remove_prefix(1);
    if (statement.empty())
        return 0;
    int line = 1;
    for (std::size_t begin = 0; begin < text.size(); ++begin) {
        std::size_t at = begin;
        std::size_t matched = 0;
        while (matched < statement.size() && at < text.size()) {
            if (is_space(statement[matched]) && is_space(text[at])) {
                while (matched < statement.size() && is_space(statement[matched]))
                    ++matched;
                while (at < text.size() && is_space(text[at]))
                    ++at;
            } else if (folded(statement[matched]) == folded(text[at])) {
                ++matched;
                ++at;
            } else {
                break;
            }
        }
        const bool goes_on =
            at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_');
        if (matched == statement.size() && !goes_on)
            return line;
        line += text[begin] == '\n' ? 1 : 0;
    }
    return 0;
}

void find_places(std::vector<Judgement> &judgements, const Places &places) {
    const bool has_causes =
        std::any_of(judgements.begin(), judgements.end(), [](const Judgement &each) { return !each.cause.empty(); });
    const auto migrations = has_causes && !places.migrations.empty()
                                ? migration_texts(places.migrations)
                                : std::vector<std::pair<std::string, std::string>>();
    const std::string project_file = path_below(places.root, places.project_file);
    for (Judgement &each : judgements) {
        each.fallback_file = is_inside(project_file) ? project_file : usual_project_file;
        const auto budget =
            std::find_if(places.unit_budgets.begin(), places.unit_budgets.end(), [&](const UnitBudget &candidate) {
                return !each.pattern.empty() && candidate.pattern == each.pattern && candidate.metric == each.metric;
            });
        if (budget != places.unit_budgets.end()) {
            each.location = {path_below(places.root, places.project_file), budget->line};
            continue;
        }
        const auto query =
            std::find_if(places.queries.begin(), places.queries.end(), [&](const MonitoredQuery &candidate) {
                return !each.query.empty() && candidate.name == each.query;
            });
        each.location =
            query == places.queries.end() ? line_of_call_site(each.call_site) : SourceLine{query->file, query->line};
        for (const auto &[file, text] : migrations)
            if (each.location.file.empty() && !each.cause.empty())
                if (const int line = line_of_statement(text, each.cause); line > 0)
                    each.location = {file, line};
        each.location.file = path_below(places.root, each.location.file);
    }
}

} // namespace dbperf::client::findings
