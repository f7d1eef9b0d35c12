#include "core/pg.h"

#include "n_plus_one/row_capture.h"

#include <algorithm>

#include "lookups/key_value.h"

namespace dbperf::n_plus_one::row_capture {
using namespace core;
using namespace lookups;

constinit Rows rows{};

namespace {

using Receive = bool (*)(TupleTableSlot *, DestReceiver *);
using Startup = void (*)(DestReceiver *, int, TupleDesc);

Receive replaced = nullptr;
Startup replaced_startup = nullptr;
constexpr int max_other_columns = 4;
int max_rows = 0;
bool known = false; // the columns

enum class Likelihood : uint8 { key, text, other, none };

// Of a column of this type, to hold keys.
Likelihood likelihood_of(Reading reading) {
    switch (reading) {
    case Reading::int4:
    case Reading::int8:
    case Reading::int2:
    case Reading::uuid:
    case Reading::oid:
    case Reading::numeric:
        return Likelihood::key;
    case Reading::none:
        return Likelihood::none;
    case Reading::other:
        // Documents and arrays are no keys.
        return Likelihood::none;
    default:
        return is_text(reading) ? Likelihood::text : Likelihood::other;
    }
}

// Numbers and uuids first, then texts: with very many columns some have to be left out. Of dates, addresses and the
// like a few are enough, else every list would fill the board with the times of its rows.
void choose_columns(TupleDesc output) {
    known = true;
    rows.columns = 0;
    std::array<Likelihood, 64> found{};
    const int width = std::min<int>(output->natts, static_cast<int>(found.size()));
    for (const Likelihood wanted : {Likelihood::key, Likelihood::text, Likelihood::other}) {
        const int limit =
            wanted == Likelihood::other ? std::min(max_columns, rows.columns + max_other_columns) : max_columns;
        for (int i = 0; i < output->natts && rows.columns < limit; ++i) {
            if (i < width && wanted != Likelihood::key && found[static_cast<size_t>(i)] != wanted)
                continue;
            const ValueType type = value_type::of(TupleDescAttr(output, i)->atttypid);
            const Likelihood likelihood = likelihood_of(type.reading);
            if (i < width)
                found[static_cast<size_t>(i)] = likelihood;
            if (likelihood == wanted)
                rows.column[static_cast<size_t>(rows.columns++)] = {static_cast<int16>(i + 1), type};
        }
    }
    max_rows = rows.columns == 0 ? 0 : std::min<int>(max_traced_rows, max_values / rows.columns);
}

// False when no more rows are wanted.
bool take(TupleTableSlot *slot) {
    if (unlikely(!known))
        choose_columns(slot->tts_tupleDescriptor);
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
