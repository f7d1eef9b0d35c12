// The list belongs to dbperf.cpp and lasts as long as the library.
#include "core/pg.h"

#include "core/feature.h"

namespace dbperf::core::feature {
namespace {

std::span<const Feature *const> known;

} // namespace

void enlist(std::span<const Feature *const> all) {
    known = all;
}

std::span<const Feature *const> all() {
    return known;
}

} // namespace dbperf::core::feature
