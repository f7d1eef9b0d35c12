#include "demo/sample_shop.h"

#include "base/file_text.h"
#include "migration/apply_migration.h"

#include <fmt/format.h>

#include <filesystem>

namespace dbperf::client::demo {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace migration;

namespace {

namespace fs = std::filesystem;

bool is_shop(const fs::path &folder) {
    std::error_code ignored;
    return fs::is_regular_file(SampleShop{folder.string()}.baseline(), ignored) &&
           fs::is_regular_file(SampleShop{folder.string()}.seed(), ignored);
}

// The first folder from this one upwards that holds the shop, or "".
std::string upwards(fs::path folder) {
    for (; !folder.empty(); folder = folder.parent_path()) {
        if (is_shop(folder))
            return folder.string();
        if (folder == folder.root_path())
            break;
    }
    return {};
}

void create_database(Connection &connection, const std::string &name, const std::string &template_name) {
    connection.execute(fmt::format("CREATE DATABASE {} TEMPLATE {}", connection.quote_name(name),
                                   connection.quote_name(template_name)));
}

} // namespace

SampleShop find_sample_shop(const std::string &folder) {
    if (!folder.empty()) {
        if (!is_shop(folder))
            throw usage_error(fmt::format("{} does not hold the sample shop", folder),
                              "it has migrations/001_baseline.sql and benchmarks/data/seed.sql");
        return {fs::absolute(folder).string()};
    }
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    for (const fs::path &start : {fs::current_path(ignored), program.parent_path()})
        if (std::string found = upwards(start); !found.empty())
            return {found};
    const fs::path installed = program.parent_path().parent_path() / "share" / "dbperf";
    if (is_shop(installed))
        return {installed.string()};
    throw environment_error("the files of the sample shop are not found",
                            "name their folder with --shop: it has migrations/ and benchmarks/");
}

void create_shop(const ConnectionTarget &target, const SampleShop &shop, const std::string &before,
                 const std::string &after, int scale, Progress &progress) {
    Connection server = Connection::open(target);
    create_database(server, before, "template1");
    {
        Connection connection = Connection::open(target.with_database(before));
        connection.use_default_path();
        apply_migration(connection, load_migration(shop.baseline()));
        progress.show("filling the sample shop");
        connection.execute(fmt::format("SET shop.scale = '{}'", scale));
        connection.execute(read_file(shop.seed()));
        connection.execute("VACUUM ANALYZE");
    }
    create_database(server, after, before);
    Connection connection = Connection::open(target.with_database(after));
    connection.use_default_path();
    apply_migration(connection, load_migration(shop.indexes()));
    connection.execute("VACUUM ANALYZE");
    progress.clear();
}

ShopSize measure_shop(const ConnectionTarget &target) {
    Connection connection = Connection::open(target);
    const Result counts = connection.execute(
        "SELECT (SELECT count(*) FROM public.users) AS users, (SELECT count(*) FROM public.orders) AS orders");
    return {counts.integer(0, "users"), counts.integer(0, "orders")};
}

int list_orders_one_by_one(const ConnectionTarget &target, int orders) {
    Connection application = Connection::open(target);
    application.use_default_path();
    application.execute("SET application_name = 'sample shop'");
    application.execute("BEGIN");
    const Result list =
        application.execute("SELECT id, user_id, created_at, total_cents FROM orders ORDER BY created_at DESC LIMIT $1",
                            {fmt::format("{}", orders)});
    for (int row = 0; row < list.rows(); ++row)
        application.execute("SELECT id, email, display_name FROM users WHERE id = $1", {list.text(row, "user_id")});
    application.execute("COMMIT");
    return list.rows();
}

} // namespace dbperf::client::demo
