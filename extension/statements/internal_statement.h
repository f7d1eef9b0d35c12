// Which statements are dbperf's own business and no observation: those that ask it something and do nothing else. That
// a text names schema dbperf proves nothing: a statement that also touches something of the user's is the user's.
#pragma once

#include "core/pg.h"

namespace dbperf::statements::internal_statement {

// Whether all that the query reads, writes and calls is the server's or a member of the extension. Never raises.
bool is_internal(const Query *query);
// For a command whose text names schema dbperf: whether it only sets or shows settings, or carries such a query.
bool is_internal_command(const Node *statement);

} // namespace dbperf::statements::internal_statement
