#include "core/pg.h"

#include "n_plus_one/key_origins.h"

namespace dbperf::n_plus_one::key_origins {

namespace {

template <typename Wanted>
void keep(lineage::Origins *found, const Wanted &wanted) {
    size_t kept = 0;
    for (size_t i = 0; i < found->count; ++i) {
        if (!wanted(found->origins[i]))
            continue;
        found->origins[kept] = found->origins[i];
        found->ended[kept++] = found->ended[i];
    }
    found->count = kept;
}

} // namespace

void drop_constant_keys(const KeyVariation &variation, lineage::Origins *found) {
    keep(found, [&variation](const LookupOrigin &origin) { return variation.may_be_key(origin.key); });
}

void keep_inside(lineage::Origins *found) {
    keep(found, [](const LookupOrigin &origin) { return !origin.is_outside && !origin.is_foreign; });
}

bool all_foreign(const lineage::Origins &found) {
    for (size_t i = 0; i < found.count; ++i)
        if (!found.origins[i].is_foreign)
            return false;
    return found.count > 0;
}

uint32 root_of(const RepeatedLookup &lookup, const lineage::Origins &found) {
    const LookupOrigin *best = nullptr;
    uint32 most = 0;
    for (size_t i = 0; i < found.count; ++i) {
        const LookupOrigin &origin = found.origins[i];
        uint32 executions = 0;
        for (int j = 0; j < lookup.edge_count; ++j) {
            const LookupEdge &edge = lookup.edges[static_cast<size_t>(j)];
            if (edge.producer == origin.producer && edge.relation == origin.relation && edge.column == origin.column)
                executions = edge.executions;
        }
        if (!best || executions > most ||
            (executions == most && static_cast<int32>(origin.serial - best->serial) > 0)) {
            best = &origin;
            most = executions;
        }
    }
    return best ? best->root : 0;
}

} // namespace dbperf::n_plus_one::key_origins
