// Parameters of a statement as text that any session reads back, whatever its own settings.
#pragma once

#include "core/pg.h"

namespace dbperf::statements::parameter_text {

// For every parameter its type's name, a NUL, 'v' or 'n' (null), its value and a NUL; of as many parameters as fit into
// `limit` bytes and one more. Calls output functions of types, so it may raise.
void append(StringInfo texts, ParamListInfo parameters, size_t limit);

} // namespace dbperf::statements::parameter_text
