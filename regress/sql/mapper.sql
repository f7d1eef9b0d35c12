-- What mappers call the remedy, by what sqlcommenter says or by how they write; and how their statements are shown to people.
\pset format unaligned
\pset tuples_only on
SELECT coalesce(dbperf.mapper_advice('n_plus_one', q, c, k, p, pc), 'not known') FROM (VALUES
('SELECT "shop_customer"."id", "shop_customer"."name" FROM "shop_customer" WHERE "shop_customer"."id" = $1 LIMIT $2', NULL, 'shop_customer.id', 'public.shop_order', 'customer_id'),
('SELECT "shop_orderitem"."id", "shop_orderitem"."name" FROM "shop_orderitem" WHERE "shop_orderitem"."order_id" = $1', NULL, 'shop_orderitem.order_id', 'public.shop_order', 'id'),
('SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2', NULL, 'users.id', 'public.orders', 'user_id'),
('SELECT "orders".* FROM "orders" WHERE "orders"."user_id" = $1', NULL, 'orders.user_id', 'public.users', 'id'),
('SELECT "tags".* FROM "tags" INNER JOIN "taggings" ON "tags"."id" = "taggings"."tag_id" WHERE "taggings"."post_id" = $1', NULL, 'taggings.post_id', 'posts', 'id'),
('SELECT "User"."id" AS "User_id", "User"."name" AS "User_name" FROM "user" "User" WHERE (("User"."id" = $1)) LIMIT 1', NULL, 'user.id', 'public.post', 'authorId'),
('SELECT "Post"."id" AS "Post_id" FROM "post" "Post" WHERE "Post"."userId" = $1', NULL, 'post.userId', 'public."user"', 'id'),
('SELECT "id", "name", "createdAt" FROM "Users" AS "User" WHERE "User"."id" = $1', NULL, 'Users.id', 'public."Orders"', 'userId'),
('SELECT "public"."User"."id", "public"."User"."email" FROM "public"."User" WHERE ("public"."User"."id" = $1 AND $2=$3) LIMIT $4 OFFSET $5', NULL, 'User.id', 'public."Post"', 'authorId'),
('SELECT users.id AS users_id, users.name AS users_name FROM users WHERE users.id = $1', NULL, 'users.id', 'public.orders', 'user_id'),
('SELECT orders.id AS orders_id, orders.user_id AS orders_user_id FROM orders WHERE $1 = orders.user_id', NULL, 'orders.user_id', 'public.users', 'id'),
('SELECT users_1.id AS users_1_id FROM users AS users_1 WHERE users_1.id = $1', NULL, 'users.id', NULL, NULL),
('select u1_0.id,u1_0.name from users u1_0 where u1_0.id=$1', NULL, 'users.id', 'public.orders', 'user_id'),
('select o1_0.user_id,o1_0.id from orders o1_0 where o1_0.user_id=$1', NULL, 'orders.user_id', 'public.users', 'id'),
('select user0_.id as id1_0_0_, user0_.name as name2_0_0_ from users user0_ where user0_.id=$1', NULL, 'users.id', 'public.orders', 'user_id'),
('select "u0".* from "user" as "u0" where "u0"."id" = $1 limit $2', NULL, 'user.id', 'public.book', 'author_id'),
('SELECT u0."id", u0."name" FROM "users" AS u0 WHERE (u0."id" = $1)', NULL, 'users.id', 'public.orders', 'user_id'),
('SELECT name FROM users WHERE id = $1', NULL, 'users.id', 'public.orders', 'user_id'),
('SELECT name FROM users WHERE id = $1', 'db_driver=''django.db.backends.postgresql'',framework=''django%3A4.2''', 'shop_user.id', 'public.shop_order', 'user_id'),
('SELECT name FROM users WHERE email = $1', 'framework=''rails_v7''', 'users.email', 'public.orders', 'user_email'),
('SELECT name FROM users WHERE id = $1', 'framework=''spring''', 'users.id', 'public.orders', 'user_id'),
('SELECT "order_items"."id", "order_items"."x" FROM "order_items" WHERE "order_items"."order_id" = $1', NULL, 'order_items.order_id', 'public.orders', 'id'),
('select "users"."id" from "users" where "users"."id" = $1', NULL, 'users.id', 'public.orders', 'user_id'),
('select * from "users" where "users"."id" = $1 limit $2', NULL, 'users.id', 'public.orders', 'user_id')
) v(q, c, k, p, pc);
SELECT c, dbperf.mapper_advice('n_plus_one_write', 'UPDATE t SET a = $1 WHERE id = $2', c, 't.id', NULL, NULL) FROM unnest(ARRAY[
    'db_driver=''django.db.backends.postgresql''', 'file=''a.rb'',framework=''rails_v7.0''', 'db_driver=''typeorm:0.3''', 'framework=''django''', 'framework=''express''', 'note=''not django'', ''']) c;
SELECT dbperf.mapper_of('SELECT "shop_address"."id", "shop_address"."street" FROM "shop_address" WHERE "shop_address"."id" = $1', NULL) AS singular,
       dbperf.mapper_of('SELECT "users".* FROM "users" WHERE "users"."id" = $1', 'db_driver=''sequelize:6''') AS named_before_habit, dbperf.mapper_of(NULL, NULL);
select dbperf.short_query('SELECT DISTINCT "a"."b", "a"."c", "a"."d","a"."e","a"."f","a"."g", coalesce(a,b), (select x from y where z = 1) FROM "a" WHERE "a"."id" IN ($1, $2, $3, $4, $5, $6, $7, $8) LIMIT $9');
select dbperf.short_query('INSERT INTO t ("a",b,c,d,e,f,g,h) VALUES ($1, $2, $3, $4, $5, $6, $7, lower($8)) RETURNING a,b,c');
select dbperf.short_query('UPDATE t SET a = $1, b = $2, c=$3,d=$4,e=$5,f=$6,g=$7 ,h=$8 WHERE id = $9 AND (x IN (SELECT aaaaaaaaaaaaaaaaaaaa');
select dbperf.short_query('SELECT a, b, c FROM x WHERE id = $1 AND eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee=2 ORDER BY a,b,c');
select dbperf.short_query('WITH q AS (SELECT a1, a2, a3, a4, a5, a6, a7, a8 FROM t) SELECT "q,(x".a1, a2, ''it''''s, (so'', a4, a5, a6, a7, a8 FROM q JOIN r ON q.id = r.id WHERE extract(year from d) = $1 UNION SELECT 1,2');
select dbperf.short_query('SELECT "distinctAlias"."U_id" AS "ids_U_id" FROM (SELECT "U"."id" AS "U_id", "U"."a", "U"."b", "U"."c", "U"."d", "U"."e", "U"."f", "U"."g" FROM "user" "U" WHERE "U"."id" = $1) "distinctAlias" ORDER BY "U_id" ASC LIMIT $2');
