// What is read out of one line: call sites, requests, addresses, sizes, lists of names, names of files.
#include "base/error.h"
#include "base/spelling.h"
#include "findings/call_site.h"
#include "metrics/http_server.h"
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
    const SourceLine place = line_of_call_site(text);
    FUZZ_CHECK(place.line >= 0 && (place.line == 0 || !place.file.empty()));
    const std::string known = "file='" + std::string("a%20b.rb") + "',line='7'";
    const SourceLine found = line_of_call_site(known);
    FUZZ_CHECK(found.file == "a b.rb" && found.line == 7);
    (void)path_below("/root", text);
}

FUZZ_PART(http_request) {
    const std::string head(input.rest());
    HttpRequest request;
    bool is_head = false;
    const int status = parse_http_request(head, request, is_head);
    FUZZ_CHECK(status == -1 || status == 0 || (status >= 400 && status < 500));
    FUZZ_CHECK(status != 0 || (request.path.starts_with('/') && request.path.find(' ') == std::string::npos));
    // What is refused or read does not depend on what follows the head.
    const std::size_t end = head.find("\r\n\r\n");
    if (end != std::string::npos) {
        HttpRequest shorter;
        FUZZ_CHECK(parse_http_request(std::string_view(head).substr(0, end + 4), shorter, is_head) == status);
        FUZZ_CHECK(shorter.path == request.path && shorter.accept == request.accept);
    }
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
