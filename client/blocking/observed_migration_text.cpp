#include "blocking/observed_migration_text.h"

#include "terminal/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>

namespace dbperf::client::blocking {
using namespace terminal;
using namespace migration;

namespace {

constexpr std::size_t named_waiters = 3;
constexpr double shown_ms = 10; // a shorter wait is seen by nobody
constexpr std::size_t shown_queries = 10;
constexpr int shown_statement = 60;

std::string place(const StatementRecord &statement) {
    return fmt::format("{}:{}", std::filesystem::path(statement.file).filename().string(), statement.line);
}

std::string lock_in_words(const WantedLock &lock) {
    if (lock.type == "transactionid" || lock.type == "tuple")
        return "a row";
    if (lock.type == "virtualxid")
        return "transactions that began before it";
    if (lock.relation.empty())
        return lock.type;
    return fmt::format("{} on {}", lock_words(lock.mode), lock.relation);
}

// "(ACCESS SHARE behind ACCESS EXCLUSIVE)", "" for rows.
std::string modes_in_words(const LockWait &wait) {
    if (wait.lock.relation.empty())
        return "";
    return wait.behind.empty() ? fmt::format(" ({})", lock_words(wait.lock.mode))
                               : fmt::format(" ({} behind {})", lock_words(wait.lock.mode), lock_words(wait.behind));
}

std::string block_in_words(const ObservedMigration &observed, const Block &block, const Style &style) {
    std::vector<std::string> waiters;
    std::string known_modes;
    for (std::size_t i = 0; i < std::min(named_waiters, block.waiters.size()); ++i) {
        const Block::Waiter &waiter = block.waiters[i];
        const std::string modes = modes_in_words(waiter.wait);
        waiters.push_back(fmt::format("{} waited {}{}", one_line(waiter.query), format_ms(waiter.wait.ms),
                                      modes == known_modes ? "" : modes));
        known_modes = modes;
    }
    std::string text =
        fmt::format("{} {}: {}", shorten(one_line(observed.statements[block.statement].sql), shown_statement),
                    style.doubtful(fmt::format("blocks {} for {}", one_line(block.what), format_ms(block.ms))),
                    fmt::join(waiters, ", "));
    if (block.waiters.size() > named_waiters)
        text += fmt::format(" and {}", plural(static_cast<long long>(block.waiters.size() - named_waiters),
                                              "other query", "other queries"));
    return text;
}

// "" when it did not wait itself. Who queues behind it waits as long.
std::string own_wait_in_words(const ObservedMigration &observed, std::size_t statement) {
    const StatementRecord &record = observed.statements[statement];
    if (record.waited_ms < shown_ms)
        return "";
    std::string text =
        fmt::format("waited {} itself for {}, held by {}", format_ms(record.waited_ms),
                    lock_in_words(record.waited_for), one_line(fmt::format("{}", fmt::join(record.held_by, ", "))));
    double queued = 0;
    for (const QueryRecord &query : observed.queries)
        for (const LockWait &wait : query.waits)
            if (wait.statement == statement)
                queued = std::max(queued, wait.queued_ms);
    if (queued >= shown_ms)
        text += fmt::format("; others queued behind it, up to {}", format_ms(queued));
    return text;
}

std::string failure_in_words(const ObservedMigration &observed) {
    const MigrationFailure &failure = *observed.failure;
    if (failure.is_lock_timeout())
        return fmt::format("gave up after {}: lock_timeout ended its wait; the migration has to be tried again",
                           format_ms(observed.statements[failure.statement].ms));
    return fmt::format("the migration failed while the queries ran: {}", one_line(failure.message));
}

bool has_waited(const QueryRecord &query) {
    const LockWait *wait = query.longest_wait();
    return wait != nullptr && wait->ms >= shown_ms;
}

std::string waited_for_in_words(const ObservedMigration &observed, const QueryRecord &query) {
    const LockWait *wait = query.longest_wait();
    if (wait == nullptr)
        return "-";
    for (const Block &block : observed.blocks)
        for (const Block::Waiter &waiter : block.waiters)
            if (waiter.query == query.query && waiter.wait.ms >= wait->ms)
                return fmt::format("{}, {}", lock_in_words(wait->lock), place(observed.statements[block.statement]));
    return lock_in_words(wait->lock);
}

std::string failures_in_words(const QueryRecord &query) {
    const std::string when = query.fails_on
                                 ? fmt::format("fails from {} on", format_ms(query.failed_from_ms))
                                 : fmt::format("failed {}, first after {}", plural(query.failures, "time", "times"),
                                               format_ms(query.failed_from_ms));
    return fmt::format("{} {}: {}{}", one_line(query.query), when, one_line(query.error),
                       query.failures_before == 0 ? "" : " (it failed before the migration, too)");
}

std::string query_table(const ObservedMigration &observed, const Style &style, bool all) {
    const auto waited = [](const QueryRecord *query) {
        const LockWait *wait = query->longest_wait();
        return wait == nullptr ? 0 : wait->ms;
    };
    std::vector<const QueryRecord *> shown;
    for (const QueryRecord &query : observed.queries)
        if (all || has_waited(query))
            shown.push_back(&query);
    std::stable_sort(shown.begin(), shown.end(),
                     [&](const QueryRecord *a, const QueryRecord *b) { return waited(a) > waited(b); });
    const std::size_t rows = all ? shown.size() : std::min(shown.size(), shown_queries);
    Table table;
    table.column("query", Table::Align::left, true)
        .column("usual", Table::Align::right)
        .column("longest", Table::Align::right)
        .column("waited", Table::Align::right)
        .column("for");
    for (std::size_t i = 0; i < rows; ++i) {
        const QueryRecord &query = *shown[i];
        const LockWait *wait = query.longest_wait();
        table.row({one_line(query.query), query.before_ms.empty() ? "-" : format_ms(query.usual_ms()),
                   query.executions == 0 ? "-" : format_ms(query.longest_ms), wait ? format_ms(wait->ms) : "-",
                   one_line(waited_for_in_words(observed, query))});
    }
    std::string text = table.empty() ? "" : table.render(style, 0);
    if (rows < shown.size())
        text += fmt::format("and {} (--verbose for all)\n",
                            plural(static_cast<long long>(shown.size() - rows), "other query", "other queries"));
    return text.empty() ? text : text + "\n";
}

} // namespace

std::string render_observed(const ObservedMigration &observed, const Style &style, bool all) {
    const std::string with =
        observed.lock_timeout.empty() ? "" : fmt::format(" with lock_timeout {}", one_line(observed.lock_timeout));
    std::string text =
        "\n" +
        style.bold(fmt::format("While it was applied, in {}{}, {} executed the queries", format_ms(observed.ms), with,
                               plural(observed.sessions, "session", "sessions"))) +
        "\n\n";
    text += query_table(observed, style, all);
    for (const Block &block : observed.blocks)
        if (block.ms >= shown_ms)
            text += paragraph(style, 0, place(observed.statements[block.statement]),
                              block_in_words(observed, block, style));
    for (std::size_t i = 0; i < observed.statements.size(); ++i)
        text += paragraph(style, 0, place(observed.statements[i]), own_wait_in_words(observed, i));
    if (observed.failure)
        text += paragraph(style, 0, place(observed.statements[observed.failure->statement]),
                          style.bad(failure_in_words(observed)));
    for (const QueryRecord &query : observed.queries)
        if (query.failures > 0)
            text += paragraph(style, 0, "fails", style.bad(failures_in_words(query)));
    long long quiet = 0, missed = 0;
    for (const QueryRecord &query : observed.queries)
        if (!has_waited(query))
            ++(query.was_missed ? missed : quiet);
    if (quiet > 0)
        text += fmt::format("{} did not wait for it\n", plural(quiet, "query", "queries"));
    if (missed > 0)
        text += wrapped(style, 0,
                        fmt::format("{} not executed while all {} sessions waited: give more --sessions to see more",
                                    plural(missed, "query was", "queries were"), observed.all_sessions));
    return text;
}

nlohmann::ordered_json observed_json(const ObservedMigration &observed) {
    using Json = nlohmann::ordered_json;
    const auto place_json = [&](std::size_t statement) -> Json {
        if (statement >= observed.statements.size())
            return nullptr;
        return {{"file", observed.statements[statement].file}, {"line", observed.statements[statement].line}};
    };
    const auto lock_json = [](const WantedLock &lock) -> Json {
        return {{"type", lock.type},
                {"relation", lock.relation.empty() ? Json(nullptr) : Json(lock.relation)},
                {"mode", lock_words(lock.mode)}};
    };
    const auto wait_json = [&](const LockWait &wait) -> Json {
        return {{"ms", wait.ms},
                {"queued_ms", wait.queued_ms},
                {"lock", lock_json(wait.lock)},
                {"behind", wait.behind.empty() ? Json(nullptr) : Json(lock_words(wait.behind))},
                {"at", place_json(wait.statement)}};
    };
    Json statements = Json::array();
    for (std::size_t i = 0; i < observed.statements.size(); ++i) {
        const StatementRecord &each = observed.statements[i];
        Json blocks = Json::array();
        for (const Block &block : observed.blocks) {
            if (block.statement != i)
                continue;
            Json queries = Json::array();
            for (const Block::Waiter &waiter : block.waiters) {
                queries.push_back({{"query", waiter.query}});
                queries.back().update(wait_json(waiter.wait));
            }
            blocks.push_back({{"blocks", block.what}, {"ms", block.ms}, {"queries", queries}});
        }
        statements.push_back({{"file", each.file},
                              {"line", each.line},
                              {"statement", each.sql},
                              {"ms", each.ms},
                              {"waited_ms", each.waited_ms},
                              {"waited_for", each.waited_ms > 0 ? lock_json(each.waited_for) : Json(nullptr)},
                              {"held_by", each.held_by},
                              {"blocks", blocks}});
    }
    Json queries = Json::array();
    for (const QueryRecord &each : observed.queries) {
        const LockWait *wait = each.longest_wait();
        queries.push_back(
            {{"query", each.query},
             {"executions", each.executions},
             {"usual_ms", each.before_ms.empty() ? Json(nullptr) : Json(each.usual_ms())},
             {"longest_before_ms", each.before_ms.empty() ? Json(nullptr) : Json(each.longest_before_ms())},
             {"longest_ms", each.executions == 0 ? Json(nullptr) : Json(each.longest_ms)},
             {"wait", wait == nullptr ? Json(nullptr) : wait_json(*wait)},
             {"missed", each.was_missed},
             {"failures", each.failures},
             {"failed_from_ms", each.failures == 0 ? Json(nullptr) : Json(each.failed_from_ms)},
             {"failures_before", each.failures_before},
             {"fails_on", each.fails_on},
             {"error", each.failures == 0 ? Json(nullptr) : Json(each.error)}});
    }
    Json failure = nullptr;
    if (observed.failure) {
        failure = place_json(observed.failure->statement);
        failure["error"] = observed.failure->message;
        failure["sqlstate"] = observed.failure->sqlstate;
        failure["lock_timeout"] = observed.failure->is_lock_timeout();
    }
    return {{"lock_timeout", observed.lock_timeout.empty() ? Json(nullptr) : Json(observed.lock_timeout)},
            {"sessions", observed.sessions},
            {"all_sessions", observed.all_sessions},
            {"ms", observed.ms},
            {"failure", failure},
            {"statements", statements},
            {"queries", queries}};
}

} // namespace dbperf::client::blocking
