#include "testdb/template_database.h"

#include "base/error.h"
#include "base/file_text.h"
#include "base/interrupt.h"
#include "base/process.h"
#include "migration/apply_migration.h"
#include "migration/migration_file.h"
#include "postgres/temporary_database.h"

#include <fmt/format.h>

namespace dbperf::client::testdb {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace migration;

namespace {

// The server knows by it what it may drop.
constexpr const char *mark = "made by dbperf: ";
constexpr int template_lock_class = 0x64627074;
constexpr std::size_t digits_in_name = 12;

// Of everything that decides what the template holds.
std::string content_of(Connection &home, const TemplateRequest &request) {
    std::string all = "dbperf template 1\n";
    const auto add = [&all](const std::string &text) { all += fmt::format("{}\n{}\n", text.size(), text); };
    for (const std::string &file : request.migrations)
        add(read_file(file));
    add(request.migrate_command);
    add(request.seed.empty() ? "" : read_file(request.seed));
    return home.execute("SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')", {all}).text(0, 0);
}

class BuildLock {
public:
    BuildLock(Connection &home, const std::string &name) : home_(home), name_(name) {
        home_.execute(
            fmt::format("SELECT pg_catalog.pg_advisory_lock({}, pg_catalog.hashtext($1))", template_lock_class),
            {name_});
    }
    ~BuildLock() {
        const InterruptShield shield;
        try {
            home_.execute(
                fmt::format("SELECT pg_catalog.pg_advisory_unlock({}, pg_catalog.hashtext($1))", template_lock_class),
                {name_});
        } catch (const std::exception &) {
            return; // it ends with the connection
        }
    }
    BuildLock(const BuildLock &) = delete;
    BuildLock &operator=(const BuildLock &) = delete;

private:
    Connection &home_;
    std::string name_;
};

enum class Known { nothing, same, other_content, foreign };

Known look_up(Connection &home, const std::string &name, const std::string &content) {
    const Result found = home.execute("SELECT coalesce(shobj_description(oid, 'pg_database'), '') AS comment,"
                                      " datistemplate AND NOT datallowconn AS closed"
                                      " FROM pg_catalog.pg_database WHERE datname = $1",
                                      {name});
    if (found.rows() == 0)
        return Known::nothing;
    const std::string comment = found.text(0, "comment");
    if (!comment.starts_with(mark))
        return Known::foreign;
    return comment.ends_with(content) && found.boolean(0, "closed") ? Known::same : Known::other_content;
}

void migrate(Connection &database, const TemplateRequest &request, Progress &progress) {
    for (const std::string &file : request.migrations) {
        progress.show(fmt::format("applying {}", file));
        apply_migration(database, load_migration(file));
    }
    if (!request.migrate_command.empty()) {
        progress.show("running the migrate command");
        const int status = run_in_foreground({"/bin/sh", "-c", request.migrate_command}, database.environment(),
                                             CommandOutput::to_standard_error);
        throw_if_interrupted();
        if (status != 0)
            throw environment_error(fmt::format("the migrate command ended with status {}", status));
    }
    if (!request.seed.empty()) {
        progress.show(fmt::format("applying {}", request.seed));
        apply_migration(database, load_migration(request.seed));
    }
    database.begin_anew();
    database.use_no_path();
    database.execute("CREATE EXTENSION IF NOT EXISTS dbperf");
}

void drop_quietly(Connection &home, const std::string &name) noexcept {
    const InterruptShield shield;
    try {
        home.execute(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", home.quote_name(name)));
    } catch (const std::exception &error) {
        print_warning(fmt::format("cannot drop the database \"{}\": {}", name, error.what()));
    }
}

void set_comment(Connection &home, const std::string &name, const std::string &comment) {
    home.execute(fmt::format("COMMENT ON DATABASE {} IS {}", home.quote_name(name), home.quote_text(mark + comment)));
}

// The old one keeps its copies until they are released; dbperf.collect_test_databases() drops it after that.
void move_away(Connection &home, const std::string &name) {
    home.execute(
        fmt::format("ALTER DATABASE {} RENAME TO {}", home.quote_name(name), home.quote_name(random_name("template"))));
}

void build(const ConnectionTarget &target, Connection &home, const TemplateRequest &request, const std::string &name,
           const std::string &content, Known known, Progress &progress) {
    const std::string draft = random_name("template");
    progress.show(fmt::format("creating {}", name));
    try {
        home.execute(fmt::format("CREATE DATABASE {} TEMPLATE template0", home.quote_name(draft)));
        set_comment(home, draft, "draft of a template");
        {
            Connection database = Connection::open(target.with_database(draft));
            migrate(database, request, progress);
        }
        home.execute(
            fmt::format("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true", home.quote_name(draft)));
        set_comment(home, draft, "template of " + content);
        if (known == Known::other_content)
            move_away(home, name);
        home.execute(fmt::format("ALTER DATABASE {} RENAME TO {}", home.quote_name(draft), home.quote_name(name)));
    } catch (...) {
        const InterruptShield shield;
        try {
            home.execute(fmt::format("ALTER DATABASE {} IS_TEMPLATE false", home.quote_name(draft)));
        } catch (const std::exception &) {
            // it was not created
        }
        drop_quietly(home, draft);
        throw;
    }
}

} // namespace

PreparedTemplate prepare_template(const ConnectionTarget &target, Connection &home, const TemplateRequest &request,
                                  Progress &progress) {
    const std::string content = content_of(home, request);
    const std::string name =
        request.name.empty() ? "dbperf_prepared_" + content.substr(0, digits_in_name) : request.name;
    const BuildLock lock(home, name);
    const Known known = look_up(home, name, content);
    if (known == Known::same)
        return {name, false};
    if (known == Known::foreign)
        throw environment_error(fmt::format("there is a database \"{}\" that dbperf did not make", name),
                                "choose another name with --template");
    build(target, home, request, name, content, known, progress);
    return {name, true};
}

} // namespace dbperf::client::testdb
