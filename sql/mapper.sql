-- What the program that sent a statement calls the remedy: the word of its object-relational mapper.

-- In sqlcommenter's keys the mapper, or a framework that has only one, is named; else it is known by the way its texts are
-- written, where no other program writes them so.
CREATE FUNCTION dbperf.mapper_of(query text, call_site text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT m.mapper
      FROM (VALUES
        (1, 'Django', 'django', '^SELECT (DISTINCT )?("[^"]+_[^"]*([^"s]|[sui]s)")\."[^"]+"(, \2\."[^"]+")* FROM \2 WHERE "'),
        (2, 'ActiveRecord', 'active_?record|rails', '^SELECT (DISTINCT )?("[^"]+")\.\* FROM \2( INNER JOIN "[^"]+" ON "[^()]*)? WHERE "'),
        (3, 'TypeORM', 'typeorm', '^SELECT (DISTINCT )?"([^"]+)"\."([^"]+)" AS "\2_\3"'),
        (4, 'MikroORM', 'mikro-?orm', '^select ("[a-z]\d+")\.\* from "[^"]+"(\."[^"]+")? as \1 '),
        (5, 'Sequelize', 'sequelize', '^SELECT "[^"]+"( AS "[^"]+")?(, "[^"]+"( AS "[^"]+")?)* FROM "[^"]+"(\."[^"]+")? AS ("[^"]+") WHERE \(*\5\."'),
        (6, 'Prisma', 'prisma', '^SELECT ("[^"]+"\."[^"]+")\."[^"]+"(::text)?(, \1\."[^"]+"(::text)?)* FROM \1 WHERE .*( OFFSET |\$\d+ ?= ?\$\d+)'),
        (7, 'SQLAlchemy', 'sqlalchemy', '^SELECT (\w+\.)?"?(\w+)"?\."?(\w+)"? AS "?(\w+_)?\2_\3\M'),
        (8, 'Hibernate', 'hibernate',
         '^select (distinct )?([a-z]\w*\d+_\d+)\.\w+(, ?[a-z]\w*\d+_\d+\.\w+)* from \w+(\.\w+)? [a-z]\w*\d+_\d+ |^select (\w+\d+_)\.\w+ as \w+_\d+_'),
        (9, 'Ecto', 'ecto', '^SELECT ([a-z]\d+)\."[^"]+"(, \1\."[^"]+")* FROM "[^"]+"(\."[^"]+")? AS \1 WHERE \('),
        (10, 'Eloquent', 'eloquent|laravel', '^select \* from ("[^"]+") where (\1\."[^"]+") = \$\d+ and \2 is not null'),
        (11, 'Entity Framework', 'entity_?framework|efcore', '^SELECT ([a-z])\."[A-Z][^"]*"(, \1\."[A-Z][^"]*")* FROM "[^"]+"(\."[^"]+")? AS \1 WHERE \1\."'),
        (12, 'Peewee', 'peewee', '^SELECT "t1"\."[^"]+"(, "t1"\."[^"]+")* FROM "[^"]+"(\."[^"]+")? AS "t1" WHERE \('),
        (13, 'Sequel', 'sequel(?!ize)', NULL),
        (14, 'Objection', 'objection', NULL),
        (15, 'Drizzle', 'drizzle', NULL),
        (16, 'GORM', 'gorm', NULL)) m(number, mapper, word, habit)
     CROSS JOIN LATERAL (SELECT mapper_of.call_site ~* ('(^|,)(db_driver|framework|orm)=''[^'']*(' || m.word || ')') AS named) n
     WHERE n.named OR pg_catalog.regexp_replace(mapper_of.query, '\s+', ' ', 'g') ~ m.habit
     ORDER BY n.named DESC NULLS LAST, m.number
     LIMIT 1;
END;
COMMENT ON FUNCTION dbperf.mapper_of(text, text) IS
'the object-relational mapper that sent a statement, by sqlcommenter''s db_driver and framework, else by how the statement is written; null: not known';

CREATE FUNCTION dbperf.association_name(column_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (pg_catalog.regexp_match(column_name, '^(.+?)(_(id|uuid|fk|ref|key|pk|no|code)|Id|ID|Uuid|UUID|Ref)$'))[1];
COMMENT ON FUNCTION dbperf.association_name(text) IS
    'internal: what a foreign key''s column is called after: user_id and userId are of a user; null: it is none by its name';

CREATE FUNCTION dbperf.singular_of(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN word ~* '(ss|us|is|news|series)$' THEN word
            WHEN word ~* 'people$' THEN pg_catalog.regexp_replace(word, 'eople$', 'erson', 'i')
            WHEN word ~* 'children$' THEN pg_catalog.regexp_replace(word, 'ren$', '', 'i')
            WHEN word ~* '[^aeiou]ies$' THEN pg_catalog.regexp_replace(word, 'ies$', 'y', 'i')
            WHEN word ~* '(ss|x|ch|sh|tus)es$' THEN pg_catalog.regexp_replace(word, 'es$', '', 'i')
            ELSE pg_catalog.regexp_replace(word, 's$', '', 'i') END;
COMMENT ON FUNCTION dbperf.singular_of(text) IS 'internal: one of what an English plural names';

CREATE FUNCTION dbperf.plural_of(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN dbperf.singular_of(word) <> word THEN word
            WHEN word ~* '[^aeiou]y$' THEN pg_catalog.regexp_replace(word, 'y$', 'ies', 'i')
            WHEN word ~* '(s|x|ch|sh)$' THEN word || 'es'
            ELSE word || 's' END;
COMMENT ON FUNCTION dbperf.plural_of(text) IS 'internal: several of what an English word names';

CREATE FUNCTION dbperf.class_name_of(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT pg_catalog.string_agg(pg_catalog.upper(pg_catalog.left(p.part, 1)) || pg_catalog.substr(p.part, 2), '' ORDER BY p.number)
          FROM pg_catalog.regexp_split_to_table(word, '[^[:alnum:]]+') WITH ORDINALITY p(part, number));
COMMENT ON FUNCTION dbperf.class_name_of(text) IS 'internal: the class that is called after a table: order_item and orderItem are OrderItem';

CREATE FUNCTION dbperf.mapper_advice(
    kind text, query text, call_site text, key_column text, parent_relation text, parent_column text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH named AS (
        SELECT dbperf.mapper_of(mapper_advice.query, mapper_advice.call_site) AS mapper,
               pg_catalog.regexp_replace(mapper_advice.key_column, '\.[^.]*$', '') AS child,
               dbperf.association_name(pg_catalog.regexp_replace(mapper_advice.key_column, '^.*\.', '')) AS child_names,
               pg_catalog.regexp_replace(mapper_advice.key_column, '^.*\.', '') ~* '^(id|pk|uuid|guid|key|_id)$' AS by_primary_key,
               pg_catalog.btrim(pg_catalog.regexp_replace(mapper_advice.parent_relation, '^.*\.', ''), '"') AS parent,
               dbperf.association_name(pg_catalog.regexp_replace(mapper_advice.parent_column, '^.*\.', '')) AS parent_names
         WHERE mapper_advice.kind = 'n_plus_one' AND mapper_advice.key_column ~ '\.'
    ), edge AS (
        -- To many when the child's column names its parent, to one when the parent's names the child. Django calls a table
        -- after its application, then after the model.
        SELECT n.*, n.child_names IS NOT NULL AS to_many,
               CASE WHEN n.mapper = 'Django' THEN pg_catalog.regexp_replace(n.child, '^[^_]+_', '') ELSE n.child END AS child_model,
               CASE WHEN n.mapper = 'Django' THEN pg_catalog.regexp_replace(n.parent, '^[^_]+_', '') ELSE n.parent END AS parent_model
          FROM named n
         WHERE n.child_names IS NOT NULL OR n.parent_names IS NOT NULL OR n.by_primary_key AND n.parent IS NULL
    ), words AS (
        SELECT e.*, s.one, dbperf.class_name_of(dbperf.singular_of(e.child_model)) AS child_class,
               CASE WHEN e.to_many THEN dbperf.plural_of(e.child) ELSE s.one END AS attribute,
               p.property, pg_catalog.lower(pg_catalog.left(p.property, 1)) || pg_catalog.substr(p.property, 2) AS small_property,
               COALESCE(dbperf.class_name_of(dbperf.singular_of(COALESCE(e.parent_model, CASE WHEN e.to_many THEN e.child_names END))), '<parent>') AS parent_class
          FROM edge e
         CROSS JOIN LATERAL (SELECT COALESCE(e.parent_names, dbperf.singular_of(e.child_model)) AS one) s
         CROSS JOIN LATERAL (SELECT dbperf.class_name_of(CASE WHEN e.to_many THEN dbperf.plural_of(e.child_model) ELSE s.one END) AS property) p
    )
    SELECT w.mapper || ': ' || CASE w.mapper
        WHEN 'Django' THEN
            CASE WHEN w.to_many
                 THEN pg_catalog.format('prefetch_related(''%s_set''), or the related_name of %s.%s', pg_catalog.replace(w.child_model, '_', ''), w.child_model, w.child_names)
                 ELSE pg_catalog.format('select_related(''%s'')', w.one) END
        WHEN 'ActiveRecord' THEN
            -- Of one that goes through another table, the one that is loaded.
            pg_catalog.format('includes(:%s)', CASE WHEN w.to_many THEN COALESCE((pg_catalog.regexp_match(mapper_advice.query, '^SELECT (?:DISTINCT )?"([^"]+)"\.\*'))[1], w.attribute) ELSE w.attribute END)
        WHEN 'TypeORM' THEN pg_catalog.format('relations: { %s: true }', w.small_property)
        WHEN 'MikroORM' THEN pg_catalog.format('populate: [''%s'']', w.small_property)
        WHEN 'Sequelize' THEN pg_catalog.format('include: [%s]', w.child_class)
        WHEN 'Prisma' THEN pg_catalog.format('include: { %s: true }', w.small_property)
        WHEN 'SQLAlchemy' THEN pg_catalog.format('%s(%s.%s)', CASE WHEN w.to_many THEN 'selectinload' ELSE 'joinedload' END, w.parent_class, w.attribute)
        WHEN 'Hibernate' THEN pg_catalog.format('JOIN FETCH e.%1$s, or @EntityGraph(attributePaths = "%1$s")', w.small_property)
        WHEN 'Ecto' THEN pg_catalog.format('preload: [:%s]', w.attribute)
        WHEN 'Eloquent' THEN pg_catalog.format('with(''%s'')', w.small_property)
        WHEN 'Entity Framework' THEN pg_catalog.format('Include(e => e.%s)', w.property)
        WHEN 'Peewee' THEN
            CASE WHEN w.to_many THEN pg_catalog.format('prefetch(%s.select(), %s)', w.parent_class, w.child_class)
                 ELSE pg_catalog.format('select(%s, %s).join(%2$s)', w.parent_class, w.child_class) END
        WHEN 'Sequel' THEN pg_catalog.format('eager(:%s)', w.attribute)
        WHEN 'Objection' THEN pg_catalog.format('withGraphFetched(''%s'')', w.small_property)
        WHEN 'Drizzle' THEN pg_catalog.format('with: { %s: true }', w.small_property)
        WHEN 'GORM' THEN pg_catalog.format('Preload("%s")', w.property)
        END
      FROM words w
    UNION ALL
    SELECT m.mapper || ': ' || CASE m.mapper
        WHEN 'Django' THEN 'bulk_create() or bulk_update()'
        WHEN 'ActiveRecord' THEN 'insert_all, upsert_all or update_all'
        WHEN 'TypeORM' THEN 'insert() or upsert() with an array'
        WHEN 'MikroORM' THEN 'insertMany() or upsertMany()'
        WHEN 'Sequelize' THEN 'bulkCreate()'
        WHEN 'Prisma' THEN 'createMany() or updateMany()'
        WHEN 'SQLAlchemy' THEN 'session.execute(insert(...), rows)'
        WHEN 'Hibernate' THEN 'hibernate.jdbc.batch_size, or one UPDATE in JPQL'
        WHEN 'Ecto' THEN 'insert_all or update_all'
        WHEN 'Eloquent' THEN 'insert() or upsert() with an array'
        WHEN 'Entity Framework' THEN 'AddRange() and one SaveChanges(), or ExecuteUpdate()'
        WHEN 'Peewee' THEN 'insert_many() or bulk_update()'
        WHEN 'Sequel' THEN 'multi_insert'
        WHEN 'GORM' THEN 'CreateInBatches()'
        END
      FROM (SELECT dbperf.mapper_of(mapper_advice.query, mapper_advice.call_site) AS mapper) m
     WHERE mapper_advice.kind = 'n_plus_one_write';
END;
COMMENT ON FUNCTION dbperf.mapper_advice(text, text, text, text, text, text) IS
'what the object-relational mapper that sent a repeated statement calls loading, or writing, all rows at once; the association is called after the key''s column, or after the child''s table; null where the mapper or the association is not known';
