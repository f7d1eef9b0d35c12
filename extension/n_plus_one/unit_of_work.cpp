#include "core/pg.h"

#include "n_plus_one/unit_of_work.h"

#include "core/hash.h"
#include "core/runs.h"
#include "n_plus_one/named_scopes.h"

namespace dbperf::n_plus_one::unit_of_work {
using namespace core;
using namespace statements;

Unit current{UnitKind::none, 1, 1, 0, 0, false, false, 0, 0, 0, {}};
uint64 last_ended = 0;
uint64 saved_in = 0;

namespace {

// The name without its digits: "GET /orders/17" and "GET /orders/18" are one pattern.
void take_pattern(std::string_view name) {
    size_t length = 0;
    for (size_t i = 0; i < name.size() && length + 1 < sizeof(current.name); ++i) {
        const bool digit = name[i] >= '0' && name[i] <= '9';
        if (!digit)
            current.name[length++] = name[i];
        else if (length == 0 || current.name[length - 1] != '#')
            current.name[length++] = '#';
    }
    if (length + 1 == sizeof(current.name))
        length = static_cast<size_t>(pg_mbcliplen(current.name, static_cast<int>(length), static_cast<int>(length)));
    current.name[length] = '\0';
    current.pattern = hash_text({current.name, length});
}

// Connections of one client: same database, role, host and application name.
uint64 group_of_client() {
    Hash64 hash;
    hash.add(uint64{MyDatabaseId});
    hash.add(uint64{GetUserId()});
    if (MyBEEntry) {
        const auto *address = reinterpret_cast<const sockaddr *>(&MyBEEntry->st_clientaddr.addr);
        if (address->sa_family == AF_INET)
            hash.add(uint64{reinterpret_cast<const sockaddr_in *>(address)->sin_addr.s_addr});
        else if (address->sa_family == AF_INET6)
            hash.add(std::string_view(
                reinterpret_cast<const char *>(&reinterpret_cast<const sockaddr_in6 *>(address)->sin6_addr), 16));
    }
    hash.add(std::string_view(application_name ? application_name : ""));
    return hash.value();
}

// Nothing is followed from one run into another, or past a reset.
uint64 group_of(UnitKind kind, uint64 id) {
    Hash64 hash;
    hash.add(uint64{runs::cache.resets} << 32 | runs::cache.id);
    switch (kind) {
    case UnitKind::burst:
    case UnitKind::transaction:
        hash.add(group_of_client());
        break;
    case UnitKind::tagged:
        hash.add(uint64{MyDatabaseId});
        hash.add(id);
        break;
    default:
        hash.add(static_cast<uint64>(MyProcPid));
        hash.add(id);
    }
    return hash.value();
}

} // namespace

bool enter(const Execution &execution) {
    const settings::Derived &derived = settings::derived_values;
    const bool named = derived.scope != 0;
    const uint64 tag = named ? derived.scope : execution.trace;
    UnitKind kind = UnitKind::burst;
    uint64 id = 0;
    if (tag != 0) {
        if (current.kind == UnitKind::tagged && current.tag == tag && current.named == named)
            return false;
        kind = UnitKind::tagged;
        id = named ? named_scopes::enter(tag, execution.began, derived.gap) : tag;
    } else if (IsTransactionBlock()) {
        kind = UnitKind::transaction;
        id = compat::local_transaction();
    } else if (current.kind == UnitKind::burst) {
        id = execution.began > last_ended + derived.gap ? current.id + 1 : current.id;
    }
    if (kind == current.kind && id == current.id)
        return false;
    current.kind = kind;
    if (kind == UnitKind::transaction)
        execution::stack.awaited |= execution::awaited_by_unit;
    else
        execution::stack.awaited &= ~execution::awaited_by_unit;
    current.tag = tag;
    current.named = named;
    current.is_loose = false;
    current.began = execution.began;
    current.id = id;
    if (++current.serial == 0)
        ++current.serial;
    current.since = current.serial;
    current.group = group_of(kind, id);
    current.pattern = 0;
    current.name[0] = '\0';
    if (named)
        take_pattern(settings::scope);
    return true;
}

void leave() {
    current.kind = UnitKind::none;
    current.named = false;
    current.tag = 0;
    if (++current.serial == 0)
        ++current.serial;
}

void session_changed() {
    if (current.kind == UnitKind::burst)
        current.group = group_of(UnitKind::burst, 0);
}

} // namespace dbperf::n_plus_one::unit_of_work
