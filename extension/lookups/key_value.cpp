#include "core/pg.h"

#include "lookups/key_value.h"

#include <array>

#include "core/guard.h"
#include "core/hash.h"
#include "core/slice.h"

namespace dbperf::lookups::key_value {
using namespace core;
using key_hash::Family;

namespace {

constexpr size_t longest_compared = 1024;
constexpr size_t longest_list = 512;

// Toasted values are longer than any key of interest; reading one would be work the statement did not ask for.
bool read_bytes(Datum value, size_t longest, std::string_view *bytes) {
    const auto *packed = reinterpret_cast<const struct varlena *>(DatumGetPointer(value));
    if (VARATT_IS_EXTERNAL(packed) || VARATT_IS_COMPRESSED(packed) || VARSIZE_ANY_EXHDR(packed) > longest)
        return false;
    *bytes = {VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed)};
    return true;
}

uint64 hash_of_date(DateADT date) {
    // As the timestamp of its midnight, which its operators compare it to.
    if (DATE_IS_NOBEGIN(date))
        return key_hash::of_word(Family::timestamp, static_cast<uint64>(PG_INT64_MIN));
    if (DATE_IS_NOEND(date))
        return key_hash::of_word(Family::timestamp, static_cast<uint64>(PG_INT64_MAX));
    return key_hash::of_word(Family::timestamp, static_cast<uint64>(int64{date}) * uint64{USECS_PER_DAY});
}

// Letters beyond ASCII are folded as the type does, by the database's locale.
uint64 hash_of_folded(std::string_view text) {
    uint64 hash = 0;
    if (key_hash::of_folded_text(text, &hash))
        return hash;
    if (!catch_errors([text, &hash] {
            char *folded = str_tolower(text.data(), text.size(), DEFAULT_COLLATION_OID);
            hash = key_hash::of_text({folded, strlen(folded)});
            pfree(folded);
        }))
        return 0;
    return hash;
}

uint64 hash_of_varlena(ValueType type, std::string_view bytes) {
    switch (type.reading) {
    case Reading::text:
        return key_hash::of_text(bytes);
    case Reading::blank_padded:
        while (!bytes.empty() && bytes.back() == ' ')
            bytes.remove_suffix(1);
        return key_hash::of_text(bytes);
    case Reading::folded_text:
        return hash_of_folded(bytes);
    case Reading::numeric:
        return key_hash::of_numeric(bytes);
    case Reading::bytes:
        return key_hash::of_bytes(Family::bytes, 0, bytes);
    case Reading::bits:
        return key_hash::of_bytes(Family::bits, 0, bytes);
    case Reading::network:
        return key_hash::of_bytes(Family::network, 0, bytes);
    case Reading::other:
        return key_hash::of_bytes(Family::opaque, type.type, bytes);
    default:
        return 0;
    }
}

bool is_varlena(Reading reading) {
    switch (reading) {
    case Reading::text:
    case Reading::blank_padded:
    case Reading::folded_text:
    case Reading::numeric:
    case Reading::bytes:
    case Reading::bits:
    case Reading::network:
    case Reading::other:
        return true;
    default:
        return false;
    }
}

} // namespace

uint64 hash_of_bytes(ValueType type, Datum value) {
    switch (type.reading) {
    case Reading::uuid:
        return key_hash::of_uuid({reinterpret_cast<const char *>(DatumGetUUIDP(value)->data), UUID_LEN});
    case Reading::name: {
        const char *name = NameStr(*DatumGetName(value));
        return key_hash::of_text({name, strnlen(name, NAMEDATALEN)});
    }
    case Reading::single_char: {
        const char c = DatumGetChar(value);
        return key_hash::of_text({&c, c == '\0' ? size_t{0} : size_t{1}});
    }
    case Reading::label:
        return value_type::hash_of_label(DatumGetObjectId(value));
    case Reading::oid:
        return key_hash::of_integer(DatumGetObjectId(value));
    case Reading::float4:
        return key_hash::of_double(static_cast<double>(DatumGetFloat4(value)));
    case Reading::float8:
        return key_hash::of_double(DatumGetFloat8(value));
    case Reading::date:
        return hash_of_date(DatumGetDateADT(value));
    case Reading::timestamp:
        return key_hash::of_word(Family::timestamp, static_cast<uint64>(DatumGetTimestamp(value)));
    case Reading::timestamptz:
        return key_hash::of_word(Family::timestamptz, static_cast<uint64>(DatumGetTimestampTz(value)));
    case Reading::time:
        return key_hash::of_word(Family::time, static_cast<uint64>(DatumGetTimeADT(value)));
    case Reading::timetz: {
        const TimeTzADT *time = DatumGetTimeTzADTP(value);
        return key_hash::of_word(Family::timetz, mix_bits(static_cast<uint64>(time->time)) ^
                                                     static_cast<uint64>(static_cast<uint32>(time->zone)));
    }
    case Reading::interval: {
        const Interval *interval = DatumGetIntervalP(value);
        return key_hash::of_interval(interval->time, interval->day, interval->month);
    }
    case Reading::money:
        return key_hash::of_word(Family::money, static_cast<uint64>(DatumGetInt64(value)));
    case Reading::word:
        return key_hash::of_word(Family::opaque, mix_bits(value) ^ type.type);
    case Reading::fixed:
        return key_hash::of_bytes(
            Family::opaque, type.type,
            {static_cast<const char *>(DatumGetPointer(value)), static_cast<size_t>(type.length)});
    default:
        break;
    }
    std::string_view bytes;
    if (!is_varlena(type.reading) || !read_bytes(value, key_hash::longest_key, &bytes))
        return 0;
    return hash_of_varlena(type, bytes);
}

uint64 hash_long(ValueType type, Datum value, bool is_null) {
    const uint64 short_hash = hash(type, value, is_null);
    if (short_hash != 0 || is_null || !is_varlena(type.reading))
        return short_hash;
    const auto *packed = reinterpret_cast<const struct varlena *>(DatumGetPointer(value));
    if (VARATT_IS_EXTERNAL(packed) || VARATT_IS_COMPRESSED(packed))
        return 0;
    return key_hash::of_long({VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed)});
}

bool is_read_from_text(Reading target) {
    return is_integer(target) || target == Reading::oid || target == Reading::numeric || target == Reading::uuid ||
           is_text(target);
}

uint64 hash_text_as(Reading target, Datum value, bool is_null) {
    std::string_view text;
    if (is_null || !read_bytes(value, key_hash::longest_key, &text))
        return 0;
    if (target == Reading::uuid) {
        unsigned char bytes[UUID_LEN];
        return key_hash::parse_uuid(text, bytes) ? key_hash::of_uuid({reinterpret_cast<const char *>(bytes), UUID_LEN})
                                                 : 0;
    }
    if (target == Reading::numeric)
        return key_hash::of_number_text(text);
    if (target == Reading::folded_text)
        return hash_of_folded(text);
    if (is_text(target))
        return hash_of_varlena({InvalidOid, -1, target == Reading::blank_padded ? target : Reading::text}, text);
    int64 number;
    return key_hash::parse_integer(text, &number) ? key_hash::of_integer(number) : 0;
}

uint64 hash_only_element(Oid array_type, Datum array, bool is_null, uint64 *list) {
    *list = 0;
    if (is_null)
        return 0;
    const auto *packed = reinterpret_cast<const struct varlena *>(DatumGetPointer(array));
    // Whatever has to be unpacked is longer than one key, and different from everything.
    static uint64 unknown = 0;
    if (VARATT_IS_EXTERNAL(packed) || VARATT_IS_COMPRESSED(packed)) {
        *list = mix_bits(++unknown) | 1;
        return 0;
    }
    const std::string_view all{VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed)};
    const uint64 of_all =
        all.size() > longest_list ? key_hash::of_long(all) : key_hash::of_bytes(Family::opaque, array_type, all);
    if (VARATT_IS_SHORT(packed)) {
        *list = of_all;
        return 0;
    }
    const ArrayType *elements = reinterpret_cast<const ArrayType *>(DatumGetPointer(array));
    const ValueType type = value_type::of(ARR_ELEMTYPE(elements));
    if (ARR_NDIM(elements) != 1 || ARR_DIMS(elements)[0] != 1) {
        *list = of_all;
        return 0;
    }
    if (ARR_HASNULL(elements) || type.reading == Reading::none)
        return 0;
    const bool by_value = !is_varlena(type.reading) && type.reading != Reading::fixed && type.length <= 8;
    return hash(type, fetch_att(ARR_DATA_PTR(elements), by_value, type.length), false);
}

uint64 hash_of_document(Datum value, bool is_null) {
    std::string_view bytes;
    if (is_null || !read_bytes(value, key_hash::longest_key, &bytes))
        return is_null ? 0 : hash_long({JSONBOID, -1, Reading::other}, value, false);
    // Words stand at offsets of four from where the document begins, which is aligned only in memory.
    alignas(8) std::array<char, key_hash::longest_key + 8> copy{};
    memcpy(copy.data(), bytes.data(), bytes.size());
    const auto *container = reinterpret_cast<const JsonbContainer *>(copy.data());
    const uint64 of_all = key_hash::of_bytes(Family::opaque, JSONBOID, bytes);
    if (bytes.size() < sizeof(uint32) * 2 || JsonContainerSize(container) != 1)
        return of_all;
    const bool is_object = JsonContainerIsObject(container);
    const size_t entries = is_object ? 2 : 1;
    const size_t begins = sizeof(uint32) * (1 + entries);
    if (bytes.size() < begins)
        return of_all;
    // The first entry has its length, the second its length or the end.
    size_t from = begins;
    size_t to = begins;
    for (size_t i = 0; i < entries; ++i) {
        const JEntry entry = container->children[i];
        from = to;
        to = JBE_HAS_OFF(entry) ? begins + JBE_OFFLENFLD(entry) : from + JBE_OFFLENFLD(entry);
    }
    const JEntry last = container->children[entries - 1];
    if (to > bytes.size() || from > to)
        return of_all;
    if (JBE_ISSTRING(last))
        return key_hash::of_text(slice(bytes, from, to - from));
    if (!JBE_ISNUMERIC(last))
        return of_all;
    const size_t at = INTALIGN(from);
    if (at + sizeof(int32) > to)
        return of_all;
    const auto *number = reinterpret_cast<const struct varlena *>(copy.data() + at);
    const size_t size = VARSIZE_ANY(number);
    if (VARATT_IS_EXTERNAL(number) || VARATT_IS_COMPRESSED(number) || size < VARHDRSZ_SHORT || at + size > to)
        return of_all;
    const uint64 hash = key_hash::of_numeric({VARDATA_ANY(number), VARSIZE_ANY_EXHDR(number)});
    return hash == 0 ? of_all : hash;
}

uint64 hash_any(Oid type, Datum value, bool is_null) {
    if (is_null)
        return 1;
    int16 length = 0;
    bool by_value = false;
    // The statement may have dropped the type.
    const HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (HeapTupleIsValid(tuple)) {
        const Form_pg_type form = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
        length = form->typlen;
        by_value = form->typbyval;
        ReleaseSysCache(tuple);
    }
    if (by_value)
        return mix_bits(value ^ type);
    if (length > 0)
        return hash_text({reinterpret_cast<const char *>(DatumGetPointer(value)), static_cast<size_t>(length)});
    std::string_view text;
    if (length == -1 && read_bytes(value, longest_compared, &text))
        return hash_text(text);
    // Unknown is different from everything: never called redundant.
    static uint64 unknown = 0;
    return mix_bits(++unknown);
}

} // namespace dbperf::lookups::key_value
