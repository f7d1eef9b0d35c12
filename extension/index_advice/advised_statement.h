// A statement of the workload, understood and planned as the role that sent it, in an operation that it cannot leave.
#pragma once

#include "core/pg.h"

#include <span>

#include "core/captured_request.h"
#include "core/captured_role.h"
#include "core/guard.h"
#include "index_advice/index_shape.h"
#include "index_advice/what_if.h"

namespace dbperf::index_advice {

struct AdvisedStatement {
    const char *name;
    core::captured_request::Request request;
    double calls;
    double ms;       // mean of a call; 0: not known
    bool is_implied; // by a foreign key, for a statement of that name
    Oid role;
    List *queries; // of Query, rewritten
    ParamListInfo parameters;
    const char *failure; // why there is no plan; null: there is one

    double cost; // as things are
    double rows;
    List *present; // OIDs of indexes that the plan has
    CmdType command;
    Oid written; // table
    double written_rows;
    Bitmapset *assigned; // columns of it that an UPDATE sets

    List *uses;   // of RelationUse
    List *shapes; // candidates for it
    List *known;  // costs that were asked for
    char *covered_by;
    bool needs_trigrams; // of an extension that is not there
};

namespace advised_statement {

// As the statement's role, under its settings, in a subtransaction. False: it failed, and why is in failure.
template <typename Body>
bool as_its_role(AdvisedStatement *statement, const Body &body) {
    char *message = nullptr;
    const bool done = core::attempt_in_subtransaction(
        [&] {
            XactReadOnly = true; // the subtransaction puts it back
            core::captured_role::as(statement->role, core::captured_role::Deferring::no, [&] {
                core::captured_request::apply_settings(statement->request);
                body();
            });
        },
        &message);
    if (!done)
        statement->failure = message ? message : "";
    return done;
}

// Parses, analyses, rewrites, and plans with what is there.
void prepare(AdvisedStatement *statement);

// What it costs with these, too; a cost below 0: it could not be planned.
what_if::Outcome plan(AdvisedStatement *statement, std::span<const IndexShape *const> visible);

} // namespace advised_statement
} // namespace dbperf::index_advice
