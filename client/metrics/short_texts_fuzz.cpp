// What is read out of one line: call sites, addresses, sizes, lists of names, names of files.
#include "base/error.h"
#include "base/spelling.h"
#include "findings/call_site.h"
#include "metrics/listen_address.h"
#include "migration/migration_folder.h"
#include "postgres/stored_setting.h"
#include "queries/workload.h"
#include "run/call_growth.h"

#include <fuzz/target.h>

#include <array>

using namespace dbperf::client::base;
using namespace dbperf::client::postgres;
using namespace dbperf::client::queries;
using namespace dbperf::client::migration;
using namespace dbperf::client::run;
using namespace dbperf::client::findings;
using namespace dbperf::client::metrics;

namespace {

template <typename Read>
void expect_usage(Read read) {
    try {
        read();
    } catch (const Error &error) {
        FUZZ_CHECK(error.code() == ExitCode::usage);
    }
}

} // namespace

FUZZ_PART(call_site) {
    const std::string text(input.rest());
    const SourceLine location = line_of_call_site(text);
    FUZZ_CHECK(location.line >= 0 && (location.line == 0 || !location.file.empty()));
    const std::string known = "file='" + std::string("a%20b.rb") + "',line='7'";
    const SourceLine found = line_of_call_site(known);
    FUZZ_CHECK(found.file == "a b.rb" && found.line == 7);
    (void)path_below("/root", text);
}

FUZZ_PART(words) {
    const std::string text(input.rest());
    expect_usage([&] {
        const ListenAddress address = parse_listen_address(text);
        FUZZ_CHECK_SHOWN(!address.host.empty() && !address.port.empty() &&
                             address.port.find_first_not_of("0123456789") == std::string::npos,
                         text);
    });
    expect_usage([&] {
        const Sizes sizes = parse_sizes(text);
        FUZZ_CHECK(sizes.size() >= 2 && std::is_sorted(sizes.begin(), sizes.end()) && sizes.front() >= 1);
    });
    if (const auto names = split_name_list(text)) {
        std::string quoted;
        for (const std::string &name : *names) {
            quoted += quoted.empty() ? "\"" : ", \"";
            for (const char c : name)
                quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
            quoted += '"';
        }
        FUZZ_CHECK_SHOWN(split_name_list(quoted) == names, text);
    }
    FUZZ_CHECK(captured_name(text, 1, true).size() <= 127);
    constexpr std::array<std::string_view, 3> known = {"abc", "budget_p95", "x"};
    const std::string meant = did_you_mean(text, known);
    FUZZ_CHECK(meant.empty() || meant.find('"') != std::string::npos);
}

FUZZ_PART(migration_names) {
    std::vector<std::string> paths;
    while (input.left() > 0 && paths.size() < 12)
        paths.push_back("m/" + std::string(input.word()));
    expect_usage([&] {
        const std::vector<std::string> ordered = order_migrations(paths);
        FUZZ_CHECK(ordered.size() <= paths.size());
        FUZZ_CHECK(order_migrations(ordered) == ordered);
        std::reverse(paths.begin(), paths.end());
        FUZZ_CHECK(order_migrations(paths) == ordered);
    });
}
