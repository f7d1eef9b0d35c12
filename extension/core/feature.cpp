// The list belongs to dbperf.cpp and lasts as long as the library.
#include "core/pg.h"

#include "core/feature.h"

#include <algorithm>

#include "core/row_builder.h"

namespace dbperf::core {

const runs::Run *StoreBatch::find(uint32 id) const {
    const auto found = std::find_if(runs.begin(), runs.end(), [id](const runs::Run &run) { return run.id == id; });
    return found == runs.end() ? nullptr : &*found;
}

bool StoreBatch::closes(uint32 id) const {
    return std::find(closing.begin(), closing.end(), id) != closing.end();
}

void StatusRows::put(const char *item, const char *value, const char *note) const {
    RowBuilder row;
    row.text(item);
    row.text(value);
    row.text(note);
    row.put(result);
}

void StatusRows::put(const char *item, uint64 value, const char *note) const {
    put(item, psprintf(UINT64_FORMAT, value), note);
}

namespace feature {
namespace {

std::span<const Feature *const> known;

} // namespace

void enlist(std::span<const Feature *const> features) {
    known = features;
}

std::span<const Feature *const> all() {
    return known;
}

} // namespace feature
} // namespace dbperf::core
