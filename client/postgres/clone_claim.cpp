#include "postgres/clone_claim.h"

#include <fmt/format.h>

#include <cstdint>
#include <random>
#include <set>
#include <string_view>

namespace dbperf::client::postgres {
namespace {

constexpr std::string_view prefix = "dbperf_compare_";
constexpr int claim_lock_class = 0x64627066;
constexpr std::size_t random_digits = 8;
constexpr std::size_t digits = 12;

// No name that a person gives a database passes by chance.
std::uint16_t check_of(std::uint32_t random) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : fmt::format("{}{:08x}", prefix, random))
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return static_cast<std::uint16_t>(hash ^ (hash >> 16) ^ (hash >> 32) ^ (hash >> 48));
}

std::string make_name() {
    std::random_device source;
    const auto random = static_cast<std::uint32_t>(source());
    return fmt::format("{}{:08x}{:04x}", prefix, random, check_of(random));
}

std::uint32_t random_part(std::string_view database) {
    return static_cast<std::uint32_t>(
        std::stoul(std::string(database.substr(prefix.size(), random_digits)), nullptr, 16));
}

} // namespace

CloneClaim::CloneClaim(const ConnectionTarget &maintenance)
    : name_(make_name()), connection_(Connection::open(maintenance)) {
    connection_.execute("SET idle_session_timeout = 0");
    connection_.execute(fmt::format("SELECT pg_catalog.pg_advisory_lock({}, {})", claim_lock_class,
                                    static_cast<std::int32_t>(random_part(name_))));
}

bool is_claimed_name(const std::string &database) {
    if (!database.starts_with(prefix) || database.size() < prefix.size() + digits)
        return false;
    const std::string hexadecimal = database.substr(prefix.size(), digits);
    const std::string side = database.substr(prefix.size() + digits);
    if (hexadecimal.find_first_not_of("0123456789abcdef") != std::string::npos ||
        (side != "_before" && side != "_after" && side != "_cycle" && side != "_production" && side != "_limited"))
        return false;
    return fmt::format("{:04x}", check_of(random_part(database))) == hexadecimal.substr(random_digits);
}

std::vector<std::string> drop_stale_clones(const ConnectionTarget &maintenance) {
    Connection connection = Connection::open(maintenance);
    // In this order: who creates a copy has taken the lock before, in whichever database.
    const Result databases = connection.execute(
        fmt::format("SELECT datname FROM pg_catalog.pg_database WHERE pg_catalog.starts_with(datname, '{}')"
                    " AND pg_catalog.pg_has_role(datdba, 'USAGE') ORDER BY datname",
                    prefix));
    if (databases.rows() == 0)
        return {};
    const Result locks = connection.execute(fmt::format(
        "SELECT objid::pg_catalog.int8 AS id FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND classid = {}",
        claim_lock_class));
    std::set<std::uint32_t> alive;
    for (int row = 0; row < locks.rows(); ++row)
        alive.insert(static_cast<std::uint32_t>(locks.integer(row, "id")));
    std::vector<std::string> dropped;
    for (int row = 0; row < databases.rows(); ++row) {
        const std::string name = databases.text(row, "datname");
        if (!is_claimed_name(name) || alive.count(random_part(name)) != 0)
            continue;
        try {
            connection.execute("DROP DATABASE IF EXISTS " + connection.quote_name(name));
            dropped.push_back(name);
        } catch (const DatabaseError &error) {
            if (error.sqlstate().empty())
                throw;
        }
    }
    return dropped;
}

} // namespace dbperf::client::postgres
