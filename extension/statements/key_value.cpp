#include "core/pg.h"

#include "statements/key_value.h"

#include "core/hash.h"
#include "core/slice.h"

namespace dbperf::statements::key_value {
using namespace core;

namespace {

constexpr size_t longest_text = 64;
constexpr size_t longest_compared = 1024;

// Toasted values are longer than any key of interest; reading one would be work the statement did not ask for.
bool read_text(Datum value, size_t longest, std::string_view *text) {
    const auto *bytes = reinterpret_cast<const struct varlena *>(DatumGetPointer(value));
    if (VARATT_IS_EXTERNAL(bytes) || VARATT_IS_COMPRESSED(bytes) || VARSIZE_ANY_EXHDR(bytes) > longest)
        return false;
    *text = {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
    return true;
}

bool parse_integer(std::string_view text, int64 *number) {
    const bool negative = !text.empty() && text[0] == '-';
    if (negative)
        text.remove_prefix(1);
    if (text.empty() || text.size() > 18)
        return false;
    int64 value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *number = negative ? -value : value;
    return true;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = static_cast<char>(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool parse_uuid(std::string_view text, unsigned char *bytes) {
    int digits = 0;
    for (const char c : text) {
        if (c == '-')
            continue;
        const int digit = hex_digit(c);
        if (digit < 0 || digits == 2 * UUID_LEN)
            return false;
        unsigned char &byte = bytes[digits / 2];
        byte = static_cast<unsigned char>(digits % 2 == 0 ? digit << 4 : byte | digit);
        ++digits;
    }
    return digits == 2 * UUID_LEN;
}

} // namespace

uint64 hash_of_bytes(Oid type, Datum value) {
    if (type == UUIDOID)
        return hash_text({reinterpret_cast<const char *>(DatumGetUUIDP(value)->data), UUID_LEN}) | 1;
    std::string_view text;
    if ((type != TEXTOID && type != VARCHAROID) || !read_text(value, longest_text, &text))
        return 0;
    return hash_text(text) | 1;
}

uint64 hash_text_as(Oid target, Datum value, bool is_null) {
    std::string_view text;
    if (is_null || !read_text(value, longest_text, &text))
        return 0;
    if (target == UUIDOID) {
        unsigned char bytes[UUID_LEN];
        return parse_uuid(text, bytes) ? hash_text({reinterpret_cast<const char *>(bytes), UUID_LEN}) | 1 : 0;
    }
    int64 number;
    return parse_integer(text, &number) ? hash_of_integer(number) : 0;
}

uint64 hash_only_element(Oid element, Datum array, bool is_null, bool *is_list) {
    if (is_null)
        return 0;
    const auto *bytes = reinterpret_cast<const struct varlena *>(DatumGetPointer(array));
    // Whatever has to be unpacked is longer than one key.
    if (VARATT_IS_EXTERNAL(bytes) || VARATT_IS_COMPRESSED(bytes) || VARATT_IS_SHORT(bytes)) {
        *is_list = true;
        return 0;
    }
    ArrayType *elements = reinterpret_cast<ArrayType *>(DatumGetPointer(array));
    if (ARR_NDIM(elements) != 1 || ARR_DIMS(elements)[0] != 1) {
        *is_list = true;
        return 0;
    }
    const Oid type = base_type(element);
    if (ARR_HASNULL(elements) || !is_key_type(type) || ARR_ELEMTYPE(elements) != element)
        return 0;
    int16 length;
    bool by_value;
    char alignment;
    get_typlenbyvalalign(type, &length, &by_value, &alignment);
    return hash(type, fetch_att(ARR_DATA_PTR(elements), by_value, length), false);
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
    if (length == -1 && read_text(value, longest_compared, &text))
        return hash_text(text);
    // Unknown is different from everything: never called redundant.
    static uint64 unknown = 0;
    return mix_bits(++unknown);
}

} // namespace dbperf::statements::key_value
