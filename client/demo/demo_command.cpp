#include "demo/demo_command.h"

#include "advise/index_advice.h"
#include "base/error.h"
#include "compare/comparison_text.h"
#include "compare/migration_comparison.h"
#include "deadlock/deadlock_measurement.h"
#include "deadlock/deadlock_text.h"
#include "demo/sample_shop.h"
#include "postgres/installed_dbperf.h"
#include "run/budget_text.h"
#include "run/observed_run.h"
#include "run/run_report_text.h"
#include "server/private_server.h"
#include "terminal/table.h"
#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

namespace dbperf::client::demo {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace queries;
using namespace cli;
using namespace migration;
using namespace deadlock;
using namespace server;
using namespace run;
using namespace compare;
using namespace advise;

namespace {

constexpr const char *shop_before = "shop_before";
constexpr const char *shop_after = "shop";
constexpr const char *advised_query = "order_history";
constexpr int listed_orders = 20;
constexpr int query_repetitions = 200;
constexpr int comparison_samples = 60;

struct DemoOptions {
    std::string pg_config;
    std::string shop; // folder with migrations/ and benchmarks/; empty: looked for
    int scale = 1;
    bool keep = false;
};

void demo_options(OptionList &list, DemoOptions &options) {
    list.text("--pg-config", "FILE", options.pg_config,
              "pg_config of the PostgreSQL to run (default: PG_CONFIG, then PATH)");
    list.count("--scale", options.scale, 9999, "size of the shop; 1 is 500 users and 2,500 orders");
    list.text("--shop", "PATH", options.shop, "folder with migrations/ and benchmarks/ (default: looked for)");
    list.flag("--keep", options.keep, "leave the server running for a look around");
}

class Demo {
public:
    Demo(const Context &context, const SampleShop &shop, const ConnectionTarget &target, Progress &progress)
        : context_(context), shop_(shop), server_(target), target_(target.with_database(shop_after)),
          progress_(progress) {}

    // The results lie in the shop itself, as in a developer's database: a suggestion is for its tables.
    void prepare(const std::string &full_version, int scale) {
        const std::string server_version =
            full_version.substr(0, full_version.find(" (")); // without the packager's own
        create_shop(server_, shop_, shop_before, shop_after, scale, progress_);
        connection_.emplace(Connection::open(target_));
        connection_->execute("CREATE EXTENSION dbperf");
        require_dbperf(results());
        const ShopSize size = measure_shop(target_);
        json_ = {{"server", server_version}, {"scale", scale}, {"users", size.users}, {"orders", size.orders}};
        say(fmt::format("{}: {} on a private server, the sample shop with {} users and {} orders\n",
                        context_.style.bold("dbperf demo"), server_version,
                        format_count(static_cast<double>(size.users)), format_count(static_cast<double>(size.orders))));
    }

    void show_n_plus_one() {
        const std::string label = "demo-n-plus-one";
        progress_.show("listing orders, one look-up a row");
        int lookups = 0;
        {
            OpenRun run(results(), label, RunScope::server);
            lookups = list_orders_one_by_one(target_, listed_orders);
            run.finish();
        }
        progress_.clear();
        const std::vector<NPlusOne> found = load_n_plus_one(results(), label);
        section("1. N+1 queries", fmt::format("The application lists its {} newest orders, then asks for the user of "
                                              "each: {} statements where one or two would do.",
                                              listed_orders, lookups + 1));
        for (const NPlusOne &each : found) {
            say(render_n_plus_one(each, context_.style, 2));
            const std::optional<SuggestionMeasurement> measured = measure_suggestion(results(), each);
            expect(measured && measured->same_rows && measured->factor > 1, "the suggested statement was no better");
            if (measured)
                say(render_measurement(*measured, context_.style, 2));
        }
        expect(!found.empty(), "no N+1 was found");
        look("SELECT * FROM dbperf.n_plus_one;");
        json_["n_plus_one"] = run_json(load_run_report(results(), label))["n_plus_one"];
    }

    void show_deadlock() {
        DeadlockOptions options;
        options.deadlock_timeouts = {"10ms", "100ms", "1s"};
        options.repeat = 5;
        const auto measurements =
            measure_deadlocks(target_, {load_deadlock_spec(shop_.deadlock())}, options, progress_);
        section(
            "2. Deadlocks",
            "Two transfers lock the same two rows in reverse order. The victim starts again until it has committed; "
            "the control "
            "does the same work with the rows locked in one order. The cost is the time until the server notices.");
        say(render_deadlocks(measurements, context_.style, 2));
        expect(control_deadlocks(measurements) == 0, "the control met a deadlock");
        expect(std::all_of(measurements.begin(), measurements.end(),
                           [](const DeadlockMeasurement &each) {
                               return std::any_of(each.passes.begin(), each.passes.end(),
                                                  [](const SimulationPass &pass) { return pass.deadlock; });
                           }),
               "no deadlock happened");
        look("dbperf deadlock benchmarks/deadlocks/reverse_order.spec --repeat 50");
        json_["deadlocks"] = deadlocks_json(measurements);
    }

    void show_comparison() {
        ComparisonRequest request;
        request.from = shop_before;
        request.migrations = {load_migration(shop_.indexes())};
        request.queries = load_queries(shop_.queries());
        request.samples = comparison_samples;
        const MigrationComparison comparison = compare_migration(target_, request, progress_);
        section(
            "3. A migration, judged before it is merged",
            fmt::format(
                "002_add_indexes.sql on one of two copies of the shop; every query {} times or more on both, in turns.",
                comparison_samples));
        say(render_comparison(comparison.queries, context_.style, 2));
        expect(std::any_of(comparison.queries.begin(), comparison.queries.end(),
                           [](const ComparedQuery &each) {
                               return each.query == "order_history" && each.verdict == "improved";
                           }),
               "order_history was not seen to improve");
        look("dbperf compare --from shop_before --migration migrations/002_add_indexes.sql --queries "
             "benchmarks/queries");
        json_["comparison"] = comparison_json(comparison.queries);
    }

    void show_queries() {
        const std::string label = "demo-queries";
        const std::vector<MonitoredQuery> queries = load_queries(shop_.queries());
        run_monitored_queries(target_, results(), queries, label, query_repetitions, std::nullopt, progress_);
        const auto outcomes =
            query_outcomes(queries, load_named_statements(results(), label), load_budget_verdicts(results(), label));
        section("4. Monitored queries against their budgets",
                fmt::format("Each {} times on the shop with its new index, with parameters drawn from the data.",
                            query_repetitions));
        say(render_outcomes(outcomes, context_.style, 2));
        expect(std::all_of(outcomes.begin(), outcomes.end(),
                           [](const MonitoredOutcome &each) { return each.figures.calls == query_repetitions; }),
               "not every execution was counted");
        look("SELECT * FROM dbperf.statements WHERE run = 'demo-queries';");
        json_["queries"] = outcomes_json(outcomes);
    }

    // Of the shop before its migration, in which one query reads far too much.
    void show_advice() {
        AdviceRequest request;
        request.from = shop_before;
        for (MonitoredQuery &query : load_queries(shop_.queries()))
            if (query.name == advised_query)
                request.queries.push_back(std::move(query));
        request.statement_timeout = "1min";
        AdviceReport report = advise_indexes(target_, request, progress_);
        report.existing = nlohmann::ordered_json::array(); // what is unused, one query can't say
        section(
            "5. An index that is proved",
            fmt::format("The shop before that migration, asked what {} should have. Candidates are planned; the best "
                        "is built in a copy, and the query is executed with and without it in turns.",
                        advised_query));
        say(render_advice(report, context_.style));
        expect(std::any_of(report.indexes.begin(), report.indexes.end(),
                           [](const IndexProof &each) { return each.verdict == "proven"; }),
               "no index was proved");
        look("dbperf advise --from shop_before --queries benchmarks/queries --output 003_indexes.sql");
        json_["advice"] = advice_json(report);
    }

    // Gives the exit status: findings when a scenario did not show what it should.
    int finish(const PrivateServer &server, const std::string &kept_in) {
        const std::string stored_in = server.conninfo(shop_after);
        json_["stored_in"] = stored_in;
        json_["kept"] = !kept_in.empty();
        json_["failures"] = failures_;
        section("Where the results are", "");
        if (kept_in.empty()) {
            say(paragraph(context_.style, 2, "stored",
                          "in the schema dbperf of the private server, which is stopped and removed now"));
            say(paragraph(context_.style, 2, "look around", "dbperf demo --keep leaves it running"));
        } else {
            say(paragraph(context_.style, 2, "stored",
                          "in the schema dbperf: runs, statements, plans, n_plus_one, findings"));
            say(verbatim(context_.style, 2, "look around", fmt::format("psql \"{}\"", stored_in)));
            say(verbatim(context_.style, 2, "stop it", fmt::format("dbperf server stop --dir {}", kept_in)));
        }
        for (const std::string &failure : failures_)
            say(paragraph(context_.style, 2, "FAILED", context_.style.bad(failure)));
        if (context_.json())
            print_json(json_);
        return failures_.empty() ? 0 : static_cast<int>(ExitCode::findings);
    }

private:
    void say(const std::string &text) const {
        if (context_.json())
            return;
        progress_.clear();
        fmt::print("{}", text);
        std::fflush(stdout);
    }

    void section(const std::string &title, const std::string &story) const {
        say("\n" + heading(context_.style, title));
        if (!story.empty())
            say(wrapped(context_.style, 2, story) + "\n");
    }

    Connection &results() { return *connection_; }

    void look(const std::string &where) const {
        say("\n" + context_.style.dim(paragraph(context_.style, 2, "more with", where)));
    }

    void expect(bool met, const std::string &failure) {
        if (!met)
            failures_.push_back(failure);
    }

    const Context &context_;
    const SampleShop &shop_;
    const ConnectionTarget &server_;
    const ConnectionTarget target_;
    Progress &progress_;
    std::optional<Connection> connection_;
    nlohmann::ordered_json json_;
    std::vector<std::string> failures_;
};

int demo(const Context &context, const DemoOptions &options) {
    const SampleShop shop = find_sample_shop(options.shop);
    Progress progress(context.options.output);
    PrivateServerRequest request;
    request.pg_config = options.pg_config;
    TemporaryServer server(request, progress);
    const ConnectionTarget target = connection_target(server.server().conninfo());
    std::string kept_in;
    int status = 0;
    {
        Demo shown(context, shop, target, progress);
        shown.prepare(server.server().version, options.scale);
        shown.show_n_plus_one();
        shown.show_deadlock();
        shown.show_comparison();
        shown.show_queries();
        shown.show_advice();
        if (options.keep) {
            const std::filesystem::path place = default_server_directory();
            const std::filesystem::path name = std::filesystem::path(server.server().root).filename();
            kept_in = (place.parent_path() / ("demo-" + name.string())).string();
            server.keep(kept_in);
        }
        status = shown.finish(server.server(), kept_in);
    }
    return status;
}

} // namespace

const Command demo_command = {"demo", "all scenarios on the sample shop, on a private server", "",
                              with_options<DemoOptions, demo_options, demo>};

} // namespace dbperf::client::demo
