#include "deadlock/scenario_list.h"

#include "base/error.h"
#include "base/file_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace dbperf::client::deadlock {
using namespace base;

namespace {

struct Heading {
    std::string id;
    std::string title;
    bool deadlock;
};

[[noreturn]] void fail(const std::string &file, int line, const std::string &message) {
    throw usage_error(fmt::format("{}:{}: {}", file, line, message));
}

// Other comments have no "|", or begin with another "#".
std::optional<Heading> read_heading(std::string_view comment, const std::string &file, int line) {
    const std::size_t first = comment.find('|');
    if (first == std::string_view::npos || comment[0] == '#')
        return {};
    const std::string_view label = trim(comment.substr(first + 1, comment.find('|', first + 1) - first - 1));
    if (label != "deadlock" && label != "safe")
        fail(file, line, fmt::format("expected \"deadlock\" or \"safe\" after the title, found \"{}\"", label));
    const std::string_view name = trim(comment.substr(0, first));
    const std::size_t space = std::min(name.find(' '), name.size());
    if (name.empty())
        fail(file, line, "expected a name before \"|\"");
    return Heading{std::string(name.substr(0, space)), std::string(trim(name.substr(space))), label == "deadlock"};
}

SpecSession &session_called(DeadlockSpec &spec, const std::string &name) {
    for (SpecSession &session : spec.sessions)
        if (session.name == name)
            return session;
    spec.sessions.push_back({name, "BEGIN", {}, {}});
    return spec.sessions.back();
}

void add_step(DeadlockSpec &spec, const std::string &session, std::string_view sql, int line) {
    SpecSession &owner = session_called(spec, session);
    const auto number = static_cast<std::size_t>(&owner - spec.sessions.data());
    spec.permutations.front().steps.push_back({number, owner.steps.size()});
    owner.steps.push_back({fmt::format("{}{}", session, owner.steps.size() + 1), std::string(sql), line});
}

} // namespace

std::vector<DeadlockSpec> parse_scenario_list(const std::string &text, const std::string &file) {
    std::vector<DeadlockSpec> specs;
    int number = 0;
    for (std::size_t at = 0; at < text.size(); ++number) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = trim(std::string_view(text).substr(at, end - at));
        at = end + 1;
        if (line.empty())
            continue;
        if (line[0] == '#') {
            if (const auto heading = read_heading(trim(line.substr(1)), file, number + 1)) {
                DeadlockSpec spec;
                spec.file = file;
                spec.name = heading->id + (heading->title.empty() ? "" : " " + heading->title);
                // What a scenario makes lies in schema public of a database of its own.
                spec.teardown = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
                spec.labelled = true;
                spec.permutations.push_back({{}, false, number + 1, heading->deadlock});
                specs.push_back(std::move(spec));
            }
            continue;
        }
        const std::size_t colon = line.find(':');
        const std::string_view name = line.substr(0, std::min(colon, line.size()));
        const bool is_name =
            colon != std::string_view::npos && !name.empty() &&
            std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
        if (!is_name)
            fail(file, number + 1, "expected \"setup:\" or the name of a session and \":\"");
        if (specs.empty())
            fail(file, number + 1, "expected \"# ID title | deadlock or safe\" before this line");
        const std::string_view sql = trim(line.substr(colon + 1));
        if (sql.empty())
            fail(file, number + 1, fmt::format("expected SQL after \"{}:\"", name));
        if (name == "setup")
            specs.back().setups.emplace_back(sql);
        else
            add_step(specs.back(), std::string(name), sql, number + 1);
    }
    if (specs.empty())
        fail(file, 1, "expected \"# ID title | deadlock or safe\", found no scenario");
    for (const DeadlockSpec &spec : specs)
        if (spec.sessions.empty())
            fail(file, spec.permutations.front().line,
                 fmt::format("expected steps of sessions in scenario \"{}\"", spec.name));
    return specs;
}

std::vector<DeadlockSpec> load_deadlock_file(const std::string &file) {
    if (std::filesystem::path(file).extension() == ".txt")
        return parse_scenario_list(read_file(file), file);
    return {load_deadlock_spec(file)};
}

} // namespace dbperf::client::deadlock
