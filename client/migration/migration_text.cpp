#include "migration/migration_text.h"

#include "terminal/table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace dbperf::client::migration {
using namespace terminal;

namespace {

constexpr const char *change_words[] = {"built", "rewritten", "emptied"};
constexpr int harmless_strength = 1; // ACCESS SHARE

const char *words(FileChange change) {
    return change_words[static_cast<int>(change)];
}

std::string format_bytes(long long bytes) {
    constexpr long long kilo = 1024;
    if (bytes < 10 * kilo)
        return fmt::format("{} B", bytes);
    if (bytes < 10 * kilo * kilo)
        return fmt::format("{} kB", bytes / kilo);
    return fmt::format("{} MB", bytes / kilo / kilo);
}

std::string location(const std::string &file, int line) {
    return fmt::format("{}:{}", std::filesystem::path(file).filename().string(), line);
}

std::string files_in_words(const AppliedStatement &statement) {
    std::string text;
    for (const ChangedFile &file : statement.files)
        text += fmt::format("{}{} {} ({})", text.empty() ? "" : ", ", file.relation,
                            file.is_index && file.change == FileChange::rewritten ? "rebuilt" : words(file.change),
                            format_bytes(file.bytes));
    return text;
}

} // namespace

std::string render_migration(const MigrationEffect &effect, const Style &style, int indent) {
    Table statements;
    statements.column("at")
        .column("statement", Table::Align::left, true)
        .column("took", Table::Align::right)
        .column("WAL", Table::Align::right);
    for (const AppliedStatement &statement : effect.statements)
        statements.row({location(statement.file, statement.line), one_line(statement.sql), format_ms(statement.ms),
                        format_bytes(statement.wal_bytes)});
    Table locks;
    locks.column("table", Table::Align::left, true)
        .column("strongest lock")
        .column("held", Table::Align::right)
        .column("taken at");
    for (const HeldLock &lock : effect.locks)
        if (lock_strength(lock.mode) > harmless_strength)
            locks.row({lock.table, lock_words(lock.mode), format_ms(lock.ms), location(lock.file, lock.line)});
    std::string text;
    if (!statements.empty())
        text += statements.render(style, indent);
    for (const AppliedStatement &statement : effect.statements)
        text += paragraph(style, indent, location(statement.file, statement.line), files_in_words(statement));
    if (!locks.empty())
        text += "\n" + locks.render(style, indent);
    const auto warnings = warnings_of(effect);
    if (!warnings.empty())
        text += "\n";
    for (const MigrationWarning &warning : warnings)
        text += paragraph(style, indent, "in production",
                          fmt::format("{}: {}. {}", location(warning.file, warning.line),
                                      style.doubtful(one_line(warning.sentence)), warning.advice));
    return text;
}

nlohmann::ordered_json migration_json(const MigrationEffect &effect) {
    using Json = nlohmann::ordered_json;
    Json statements = Json::array();
    for (const AppliedStatement &each : effect.statements) {
        Json files = Json::array();
        for (const ChangedFile &file : each.files)
            files.push_back({{"relation", file.relation},
                             {"table", file.table},
                             {"kind", file.is_index ? "index" : "table"},
                             {"change", words(file.change)},
                             {"bytes", file.bytes}});
        Json work = Json::array();
        for (const TableWork &table : each.work)
            work.push_back({{"table", table.table},
                            {"scans", table.scans},
                            {"rows_read", table.rows_read},
                            {"rows_changed", table.rows_changed}});
        statements.push_back({{"file", each.file},
                              {"line", each.line},
                              {"statement", each.sql},
                              {"ms", each.ms},
                              {"wal_bytes", each.wal_bytes},
                              {"files", files},
                              {"tables", work}});
    }
    Json locks = Json::array();
    for (const HeldLock &lock : effect.locks)
        locks.push_back({{"table", lock.table},
                         {"mode", lock_words(lock.mode)},
                         {"ms", lock.ms},
                         {"file", lock.file},
                         {"line", lock.line}});
    Json warnings = Json::array();
    for (const MigrationWarning &warning : warnings_of(effect))
        warnings.push_back({{"file", warning.file},
                            {"line", warning.line},
                            {"warning", warning.sentence},
                            {"advice", warning.advice}});
    return {{"ms", effect.ms},
            {"wal_bytes", effect.wal_bytes},
            {"statements", statements},
            {"locks", locks},
            {"warnings", warnings}};
}

} // namespace dbperf::client::migration
