// Executing text that somebody else sent, as the role it was seen from: in a security-restricted operation, which no
// statement can leave (SET ROLE is no sandbox), and with the settings it was sent under. Row security applies.
#pragma once

#include "core/guard.h"

namespace dbperf::core::captured_role {

// The role of this name. Raises when there is none.
Oid named(const char *name);
// Raises unless the current user may become that role; the text of a superuser is for superusers alone.
void require(Oid role);

// Settings of the session that say what a statement does or how it is planned, and that are neither the server's nor
// the database's own: names with a dot, what the planner looks at, those of dates and row security. Of each its name, a
// NUL, its value and a NUL; without search_path. May raise.
void append_settings(StringInfo texts);

// For inside as(): one setting, or all that ALTER ROLE gave the role, here and everywhere. Raise what is not allowed.
void set(const char *name, const char *value);
void set_all_of(Oid role);

// Whether the session itself is that role's, and nobody else's code could run in it.
bool is_session_of(Oid role);

// What a security-restricted operation does not allow: triggers that wait for the end of the transaction. They are let
// wait only in a session of that role, where they fire as nobody else; then it is a lesser restriction, that of a
// security definer's function, which can't be left either.
enum class Deferring { no, yes };

struct Before {
    Oid user;
    int context;
    int nesting;
};
Before enter(Oid role, Deferring deferring);
void leave(const Before &before);

// Runs body as that role and takes back what it set. An error leaves the role with the (sub)transaction that it ends,
// so nobody may swallow one in between.
template <typename Body>
void as(Oid role, Deferring deferring, const Body &body) {
    const Before before = enter(role, deferring);
    body();
    leave(before);
}

} // namespace dbperf::core::captured_role
