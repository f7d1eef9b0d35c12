// How wide the values of an expression of a table are on average, as statistics say, else as their type does.
#pragma once

#include "core/pg.h"

namespace dbperf::index_advice::column_width {

inline int of(Oid relation, const Node *expression) {
    if (IsA(expression, Var)) {
        const int known = get_attavgwidth(relation, reinterpret_cast<const Var *>(expression)->varattno);
        if (known > 0)
            return known;
    }
    return get_typavgwidth(exprType(expression), exprTypmod(expression));
}

} // namespace dbperf::index_advice::column_width
