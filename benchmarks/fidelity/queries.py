"""Queries drawn at random over the shop and more_tables.sql, by kind: the text is fixed by the seed."""

STATUSES = ("pending", "paid", "shipped", "delivered", "returned", "cancelled")


def day(draw, first=0, last=1092):
    return f"timestamptz '2022-07-04 00:00:00+00' + interval '{draw.randint(first, last)} days'"


def users(draw, scale):
    return draw.randint(1, 500 * scale)


def point(draw, scale):
    return draw.choice((
        f"SELECT * FROM users WHERE id = {users(draw, scale)}",
        f"SELECT * FROM orders WHERE user_id = {users(draw, scale)}",
        f"SELECT * FROM orders WHERE user_id = {users(draw, scale)} ORDER BY created_at DESC LIMIT {draw.randint(1, 50)}",
        f"SELECT sku, name FROM products WHERE category = (SELECT category FROM products WHERE id = {draw.randint(1, 200 * scale)})",
        f"SELECT * FROM order_items WHERE order_id = {draw.randint(1, 2500 * scale)}",
        f"SELECT count(*) FROM order_items WHERE product_id = {draw.randint(1, 200 * scale)}",
        f"SELECT * FROM orders WHERE status = '{draw.choice(STATUSES)}'",
        f"SELECT * FROM users WHERE country = '{draw.choice(('DE', 'US', 'FR', 'GB', 'XX'))}' AND newsletter",
    ))


def range_scan(draw, scale):
    first = draw.randint(0, 1080)
    return draw.choice((
        f"SELECT * FROM orders WHERE created_at >= {day(draw)}",
        f"SELECT * FROM orders WHERE created_at < {day(draw)} ORDER BY created_at DESC LIMIT 20",
        f"SELECT sum(total_cents) FROM orders WHERE created_at >= {day(draw, first, first)} AND created_at < {day(draw, first + 1, first + 12)}",
        f"SELECT * FROM users WHERE id > {users(draw, scale)}",
        f"SELECT * FROM users WHERE id > {500 * scale - draw.randint(0, 40)} ORDER BY id LIMIT 100",
        f"SELECT * FROM products WHERE price_cents BETWEEN {draw.randint(200, 3000)} AND {draw.randint(3000, 20000)} AND category = 'garden'",
        f"SELECT count(*) FROM orders WHERE total_cents > {draw.randint(100, 60000)}",
        f"SELECT * FROM orders WHERE id BETWEEN {draw.randint(1, 1000 * scale)} AND {draw.randint(1000 * scale, 2500 * scale)}",
        f"SELECT * FROM orders WHERE created_at > {day(draw, 1085, 1095)}",
        f"SELECT * FROM order_items WHERE order_id > {2500 * scale - draw.randint(1, 300)}",
    ))


def pattern(draw, scale):
    word = draw.choice(("a", "Do", "user", "x", "zz", "Document 1", "e"))
    return draw.choice((
        f"SELECT * FROM products WHERE name LIKE '{word}%'",
        f"SELECT * FROM products WHERE name ILIKE '%{word}%'",
        f"SELECT * FROM users WHERE email LIKE '{word}{draw.randint(1, 99)}%'",
        f"SELECT id FROM documents WHERE lower(title) LIKE 'document {draw.choice('0123456789abcdef')}{draw.choice('0123456789abcdef')}%'",
        f"SELECT id FROM documents WHERE title LIKE '%{word}%' ORDER BY id LIMIT 10",
        f"SELECT id FROM users WHERE email ~ '^{word}'",
    ))


def list_of(draw, scale):
    many = ", ".join(str(users(draw, scale)) for _ in range(draw.randint(2, 60)))
    return draw.choice((
        f"SELECT * FROM users WHERE id IN ({many})",
        f"SELECT * FROM orders WHERE user_id IN ({many})",
        f"SELECT user_id, count(*) FROM orders WHERE user_id = ANY (ARRAY[{many}]) GROUP BY user_id",
        "SELECT count(*) FROM orders WHERE status IN ("
        + ", ".join(f"'{status}'" for status in draw.sample(STATUSES, draw.randint(1, 3))) + ")",
        f"SELECT * FROM orders WHERE user_id NOT IN ({many})",
        f"SELECT * FROM documents WHERE id IN ({many}) OR owner_id IN ({many})",
    ))


JOINS = (
    ("users u", ""), ("orders o", "o.user_id = u.id"), ("order_items i", "i.order_id = o.id"), ("products p", "p.id = i.product_id"),
    ("inventory v", "v.product_id = p.id"), ("warehouses w", "w.id = v.warehouse_id"),
)


def condition(draw, scale, tables):
    possible = {
        "u": (f"u.country = '{draw.choice(('DE', 'US', 'FR', 'IT'))}'", f"u.id < {users(draw, scale)}", "u.newsletter"),
        "o": (f"o.created_at > {day(draw)}", f"o.status = '{draw.choice(STATUSES)}'", f"o.total_cents > {draw.randint(1000, 80000)}"),
        "i": (f"i.quantity > {draw.randint(1, 5)}", f"i.unit_price_cents < {draw.randint(300, 5000)}"),
        "p": (f"p.category = '{draw.choice(('garden', 'books', 'toys', 'kitchen'))}'", f"p.price_cents > {draw.randint(300, 9000)}", "p.active"),
        "v": (f"v.quantity < {draw.randint(1, 100)}", "v.reserved > 0"),
        "w": ("w.country = 'DE'",),
    }
    return draw.choice(possible[draw.choice([name.split()[1] for name, _ in tables])])


def join(draw, scale):
    count = draw.randint(2, 6)
    first = draw.randint(0, 6 - count)
    tables = JOINS[first:first + count]
    kind = draw.choice(("JOIN", "JOIN", "JOIN", "LEFT JOIN"))
    text = tables[0][0] + "".join(f" {kind} {name} ON {on}" for name, on in tables[1:])
    conditions = " AND ".join(condition(draw, scale, tables) for _ in range(draw.randint(1, 3)))
    alias = tables[0][0].split()[1]
    column = {"u": "u.country", "o": "o.status", "i": "i.quantity", "p": "p.category", "v": "v.warehouse_id"}[alias]
    return draw.choice((
        f"SELECT * FROM {text} WHERE {conditions}",
        f"SELECT {column}, count(*) FROM {text} WHERE {conditions} GROUP BY {column} ORDER BY 2 DESC",
        f"SELECT count(*) FROM {text} WHERE {conditions}",
        f"SELECT * FROM {text} WHERE {conditions} ORDER BY {column} LIMIT {draw.randint(1, 100)}",
    ))


def semi_join(draw, scale):
    return draw.choice((
        f"SELECT * FROM users u WHERE EXISTS (SELECT FROM orders o WHERE o.user_id = u.id AND o.created_at > {day(draw)})",
        f"SELECT * FROM users u WHERE NOT EXISTS (SELECT FROM orders o WHERE o.user_id = u.id AND o.total_cents > {draw.randint(1000, 90000)})",
        f"SELECT * FROM products WHERE id IN (SELECT product_id FROM order_items WHERE quantity > {draw.randint(1, 6)})",
        f"SELECT DISTINCT user_id FROM orders WHERE status = '{draw.choice(STATUSES)}'",
        f"SELECT count(DISTINCT product_id) FROM order_items WHERE order_id < {draw.randint(1, 2500 * scale)}",
    ))


def partition(draw, scale):
    month = draw.randint(1, 11)
    one = f"happened_at >= '2024-{month:02}-{draw.randint(1, 28):02}' AND happened_at < '2024-{month + 1:02}-{draw.randint(1, 28):02}'"
    return draw.choice((
        f"SELECT * FROM events WHERE {one} AND user_id = {draw.randint(1, 50 * scale)}",
        f"SELECT kind, count(*) FROM events WHERE {one} GROUP BY kind",
        f"SELECT * FROM events WHERE user_id = {draw.randint(1, 50 * scale)} ORDER BY happened_at DESC LIMIT 10",
        f"SELECT sum(amount) FROM events WHERE kind = '{draw.choice(('buy', 'refund', 'view', 'cart'))}'",
        f"SELECT u.country, sum(e.amount) FROM events e JOIN users u ON u.id = e.user_id WHERE {one} GROUP BY u.country",
        f"SELECT * FROM events WHERE id = {draw.randint(1, 3000 * scale)}",
        f"SELECT * FROM events_2024_{month:02} WHERE amount > {draw.randint(1, 990)}",
    ))


def gin(draw, scale):
    return draw.choice((
        f"SELECT id FROM documents WHERE body @@ to_tsquery('simple', 'w{draw.randint(0, 60)} & w{draw.randint(0, 400)}')",
        f"SELECT id FROM documents WHERE body @@ to_tsquery('simple', 'w{draw.randint(0, 3000)}')",
        f"SELECT id FROM documents WHERE body @@ to_tsquery('simple', 'w{draw.randint(1, 9)}:*')",
        f"SELECT id FROM documents WHERE tags @> ARRAY['t{draw.randint(0, 5)}']",
        f"SELECT id FROM documents WHERE tags && ARRAY['t{draw.randint(0, 40)}', 't{draw.randint(0, 300)}']",
        f"SELECT id FROM documents WHERE attributes @> '{{\"color\": \"{draw.choice(('red', 'blue', 'none'))}\"}}'",
        f"SELECT id FROM documents WHERE attributes @> '{{\"code\": \"c{draw.randint(0, 1100)}\", \"size\": {draw.randint(0, 50)}}}'",
        f"SELECT id FROM documents WHERE attributes ? 'size' LIMIT {draw.randint(1, 100)}",
    ))


def other(draw, scale):
    return draw.choice((
        f"SELECT id FROM documents WHERE valid @> date '2021-{draw.randint(1, 12):02}-10'",
        f"SELECT id FROM documents WHERE valid && daterange('2022-{draw.randint(1, 6):02}-01', '2022-{draw.randint(7, 12):02}-01')",
        f"SELECT * FROM notes WHERE document_id = {draw.randint(1, 1000 * scale)}",
        f"SELECT count(*) FROM notes WHERE state = 'open' AND written_on > date '2023-01-01' + {draw.randint(0, 700)}",
        f"SELECT d.title, n.words FROM documents d JOIN notes n ON n.document_id = d.id WHERE n.written_on = date '2023-01-01' + {draw.randint(0, 700)}",
        f"SELECT * FROM reminders WHERE due_on < date '2024-01-01' + {draw.randint(0, 90)}",
        f"SELECT id FROM documents WHERE lang = 'de' AND id > {draw.randint(1, 1000 * scale)}",
        f"SELECT id FROM documents WHERE owner_id IS NULL AND score > {draw.randint(0, 99)}",
        f"SELECT count(*) FROM documents WHERE id BETWEEN {draw.randint(1, 500 * scale)} AND {draw.randint(500 * scale, 1000 * scale)} AND score < 5",
    ))


def extended(draw, scale):
    lang, region = draw.choice((("de", "DE"), ("en", "UK"), ("en", "US"), ("fr", "FR")))
    return draw.choice((
        f"SELECT id FROM documents WHERE lang = '{lang}' AND region = '{region}'",
        f"SELECT id FROM documents WHERE lang = '{lang}' AND region = '{region}' AND score > {draw.randint(0, 99)}",
        "SELECT lang, region, count(*) FROM documents GROUP BY lang, region",
    ))


KINDS = ((point, 3), (range_scan, 4), (pattern, 2), (list_of, 2), (join, 6), (semi_join, 2), (partition, 3), (gin, 3), (other, 3), (extended, 1))


def make(draw, count, scale):
    """[(kind, text)], kinds in these proportions."""
    weights = [weight for _, weight in KINDS]
    return [(kind.__name__, kind(draw, scale)) for kind in draw.choices([kind for kind, _ in KINDS], weights, k=count)]
