#include "core/pg.h"

#include "n_plus_one/row_capture.h"

#include <algorithm>

#include "core/guard.h"
#include "statements/key_value.h"

namespace dbperf::n_plus_one::row_capture {
using namespace core;
using namespace statements;

constinit Rows rows{};

namespace {

using Receive = bool (*)(TupleTableSlot *, DestReceiver *);
using Startup = void (*)(DestReceiver *, int, TupleDesc);

Receive replaced = nullptr;
Startup replaced_startup = nullptr;
int max_rows = 0;
bool known = false; // the columns

// Numbers and uuids first, then texts: with very many columns some have to be left out.
void choose_columns(TupleDesc output) {
    known = true;
    rows.columns = 0;
    for (const bool texts : {false, true}) {
        for (int i = 0; i < output->natts && rows.columns < max_columns; ++i) {
            const Form_pg_attribute attribute = TupleDescAttr(output, i);
            const Oid type = key_value::base_type(attribute->atttypid);
            if (!key_value::is_key_type(type) || (type == TEXTOID || type == VARCHAROID) != texts)
                continue;
            rows.column[static_cast<size_t>(rows.columns++)] = {static_cast<int16>(i + 1), type};
        }
    }
    max_rows = rows.columns == 0 ? 0 : std::min<int>(max_traced_rows, max_values / rows.columns);
}

// False when no more rows are wanted.
bool take(TupleTableSlot *slot) {
    if (unlikely(!known)) {
        // Domains are looked up in the catalog.
        if (!catch_errors([slot] { choose_columns(slot->tts_tupleDescriptor); }))
            rows.columns = max_rows = 0;
    }
    if (rows.rows >= max_rows) {
        rows.has_more = true;
        return false;
    }
    uint64 *values = &rows.values[static_cast<size_t>(rows.rows * rows.columns)];
    for (int i = 0; i < rows.columns; ++i) {
        const Column column = rows.column[static_cast<size_t>(i)];
        bool is_null;
        const Datum value = slot_getattr(slot, column.number, &is_null);
        values[i] = key_value::hash(column.type, value, is_null);
    }
    ++rows.rows;
    return true;
}

bool receive(TupleTableSlot *slot, DestReceiver *destination) {
    const Receive next = replaced;
    if (!take(slot))
        destination->receiveSlot = next;
    return next(slot, destination);
}

// A receiver may choose its function when it learns of the columns.
void start_up(DestReceiver *destination, int operation, TupleDesc output) {
    destination->rStartup = replaced_startup;
    destination->rStartup(destination, operation, output);
    replaced = destination->receiveSlot;
    destination->receiveSlot = receive;
}

} // namespace

[[gnu::noinline]] bool begin(DestReceiver *destination) {
    // Receivers of other kinds may be constants. Those of a client's statement are made for it and die with it, in an
    // error too, so none keeps our function.
    const CommandDest kind = destination->mydest;
    if (kind != DestRemote && kind != DestRemoteExecute && kind != DestTuplestore)
        return false;
    if (unlikely(destination->receiveSlot == receive || destination->rStartup == start_up))
        return false;
    replaced_startup = destination->rStartup;
    destination->rStartup = start_up;
    rows.columns = rows.rows = 0;
    rows.has_more = false;
    known = false;
    return true;
}

[[gnu::noinline]] void end(DestReceiver *destination) {
    if (destination->receiveSlot == receive)
        destination->receiveSlot = replaced;
    if (destination->rStartup == start_up)
        destination->rStartup = replaced_startup;
}

} // namespace dbperf::n_plus_one::row_capture
