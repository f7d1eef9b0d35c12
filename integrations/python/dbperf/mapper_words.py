# What to write instead of a loop in the words of the mapper that ran it: its own names of models and relations.
import sys


def mapper_words(mapper, finding):
    if finding["kind"] != "n_plus_one" or not finding["parent_relation"] or "." not in (finding["key_column"] or ""):
        return None
    parent = finding["parent_relation"].rpartition(".")[2].strip('"')
    child, _, key = finding["key_column"].rpartition(".")
    edge = (parent, finding["parent_column"], child, key)
    try:
        if mapper == "django":
            return _django(*edge)
        if mapper == "sqlalchemy":
            return _sqlalchemy(*edge)
    except Exception:  # a model that cannot be looked into is no reason to hide the finding
        return None
    return None


def _django(parent, column, child, key):
    from django.apps import apps

    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if not field.is_relation or field.remote_field is None:
                continue
            target = field.related_model._meta.db_table
            if (model._meta.db_table, field.column, target) == (parent, column, child):
                return f'{model.__name__}.objects.select_related("{field.name}")'
            if (model._meta.db_table, field.column, target) == (child, key, parent):
                name = field.remote_field.get_accessor_name()
                if name:
                    return f'{field.related_model.__name__}.objects.prefetch_related("{name}")'
    return None


def _sqlalchemy(parent, column, child, key):
    from sqlalchemy.orm import mapperlib

    assert "sqlalchemy" in sys.modules
    for registry in mapperlib._all_registries():
        for mapper in registry.mappers:
            for relation in mapper.relationships:
                for local, remote in relation.local_remote_pairs:
                    if (local.table.name, local.name, remote.table.name, remote.name) == (parent, column, child, key):
                        way = "selectinload" if relation.uselist else "joinedload"
                        return f".options({way}({mapper.class_.__name__}.{relation.key}))"
    return None
