#include "statistics/relation_size.h"

#include <algorithm>
#include <cmath>

namespace dbperf::statistics {

bool needs_width(const StoredSize &stored) {
    return stored.rows < 0 || stored.pages <= 0;
}

PlannedSize table_size(const StoredSize &stored, double rows_per_page, bool has_children) {
    constexpr double pages_of_uncounted = 10;
    double blocks = stored.blocks;
    if (stored.rows < 0 && !has_children)
        blocks = std::max(blocks, pages_of_uncounted);
    if (blocks <= 0)
        return {0, 0, 0};
    const double density = needs_width(stored) ? rows_per_page : stored.rows / stored.pages;
    return {blocks, std::rint(density * blocks), std::clamp(stored.all_visible / blocks, 0.0, 1.0)};
}

double partial_index_rows(const StoredSize &stored, double table_rows) {
    // The first page has no rows.
    const double blocks = stored.pages > 0 ? stored.blocks - 1 : stored.blocks;
    const double pages = stored.pages > 0 ? stored.pages - 1 : 0;
    if (stored.rows < 0 || pages <= 0)
        return std::min(std::max(stored.rows, 0.0), table_rows);
    return std::clamp(std::rint(stored.rows / pages * blocks), 0.0, table_rows);
}

} // namespace dbperf::statistics
