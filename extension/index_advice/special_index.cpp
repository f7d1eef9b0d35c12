#include "core/pg.h"

#include "index_advice/special_index.h"

#include "core/compat.h"

namespace dbperf::index_advice::special_index {
namespace {

bool is_system_class(const Form_pg_opclass opclass) {
    return opclass->opcnamespace == PG_CATALOG_NAMESPACE;
}

// Classes of a method for that type which know the operator.
void add_classes(Oid relation, const Comparison &comparison, Oid method, bool default_only, List **shapes) {
    const Oid type = getBaseType(exprType(comparison.key));
    CatCList *classes = SearchSysCacheList1(CLAAMNAMENSP, ObjectIdGetDatum(method));
    for (int i = 0; i < classes->n_members; ++i) {
        const auto *opclass = reinterpret_cast<const FormData_pg_opclass *>(GETSTRUCT(&classes->members[i]->tuple));
        if ((default_only && !opclass->opcdefault) ||
            !(type == opclass->opcintype || (type == VARCHAROID && opclass->opcintype == TEXTOID) ||
              (opclass->opcintype == ANYARRAYOID && OidIsValid(get_element_type(type))) ||
              (opclass->opcintype == ANYRANGEOID && type_is_range(type))) ||
            !op_in_opfamily(comparison.operation, opclass->opcfamily))
            continue;
        // Classes of extensions that do what a btree does belong to keys of several methods.
        if (!is_system_class(const_cast<Form_pg_opclass>(opclass)) &&
            strstr(NameStr(opclass->opcname), "trgm") == nullptr)
            continue;
        auto *shape = static_cast<IndexShape *>(palloc0(sizeof(IndexShape)));
        shape->relation = relation;
        shape->method = method;
        shape->fraction = 1;
        if (index_shape::add_key(shape, comparison.key, exprCollation(comparison.key), opclass->oid))
            *shapes = lappend(*shapes, shape);
    }
    ReleaseSysCacheList(classes);
}

Oid pattern_class_of(Oid type) {
    const char *name = type == TEXTOID      ? "text_pattern_ops"
                       : type == VARCHAROID ? "varchar_pattern_ops"
                       : type == BPCHAROID  ? "bpchar_pattern_ops"
                                            : nullptr;
    return name ? get_opclass_oid(BTREE_AM_OID,
                                  list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup(name))), true)
                : InvalidOid;
}

} // namespace

List *of(Oid relation, const Comparison &comparison) {
    List *shapes = NIL;
    add_classes(relation, comparison, GIN_AM_OID, false, &shapes);
    if (shapes == NIL)
        add_classes(relation, comparison, GIST_AM_OID, true, &shapes);
    return shapes;
}

Oid pattern_class(const Comparison &comparison, bool *plain) {
    *plain = false;
    switch (comparison.operation) {
    case OID_TEXT_LIKE_OP:
    case OID_BPCHAR_LIKE_OP:
    case OID_TEXT_REGEXEQ_OP:
        break;
    default: {
        const char *name = get_opname(comparison.operation);
        if (!name || strcmp(name, "^@") != 0)
            return InvalidOid;
    }
    }
    *plain = core::compat::orders_by_bytes(exprCollation(comparison.key));
    return *plain ? InvalidOid : pattern_class_of(getBaseType(exprType(comparison.key)));
}

} // namespace dbperf::index_advice::special_index
