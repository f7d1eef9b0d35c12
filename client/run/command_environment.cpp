#include "run/command_environment.h"

#include <algorithm>
#include <string_view>

namespace dbperf::client::run {
using namespace base;
using namespace postgres;

Variables missing_variables(const Variables &server, const Environment &environment) {
    const auto names_another = [&](const auto &each) {
        const bool names_server = each.first == "PGHOST" || each.first == "PGPORT";
        const auto known = environment(each.first.c_str());
        return names_server && known && *known != each.second;
    };
    if (environment("PGSERVICE") || environment("PGHOSTADDR") ||
        std::any_of(server.begin(), server.end(), names_another))
        return {};
    Variables missing;
    for (const auto &each : server)
        if (!environment(each.first.c_str()))
            missing.push_back(each);
    return missing;
}

Variables command_environment(const ConnectionTarget &target, const Connection &results, const std::string &database,
                              const Environment &environment) {
    constexpr const char *url = "DBPERF_DATABASE_URL";
    Variables server = results.environment();
    for (auto &[name, value] : server)
        if (name == "PGDATABASE")
            value = database;
    Variables variables = missing_variables(server, environment);
    const auto known = environment(url);
    const bool is_that = known && target.parameters.size() == 1 && target.parameters.front().second == *known;
    if (!is_that)
        variables.emplace_back(url, results.uri_of(database));
    return variables;
}

} // namespace dbperf::client::run
