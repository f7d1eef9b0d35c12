-- What the shop does not have: partitions, GIN, ranges, expressions, extended statistics, an inheritance tree, few values of
-- uneven frequency. Sizes follow shop.scale; every draw is fixed by a row's number.
CREATE TABLE events (id bigint NOT NULL, happened_at timestamptz NOT NULL, user_id bigint NOT NULL, kind text NOT NULL, amount numeric(10, 2),
                     PRIMARY KEY (id, happened_at)) PARTITION BY RANGE (happened_at);
SELECT format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', to_char(m, 'YYYY_MM'), m, m + interval '1 month')
  FROM generate_series(timestamptz '2024-01-01 00:00+00', '2024-12-01 00:00+00', interval '1 month') m \gexec
CREATE INDEX events_user ON events (user_id, happened_at);
CREATE INDEX events_kind ON events (kind) WHERE kind <> 'view';

CREATE TABLE documents (id bigint PRIMARY KEY, title text NOT NULL, body tsvector NOT NULL, tags text[] NOT NULL, attributes jsonb NOT NULL,
                        valid daterange NOT NULL, owner_id bigint, lang text NOT NULL, region text NOT NULL, score real);
CREATE TABLE notes (id bigint PRIMARY KEY, document_id bigint NOT NULL REFERENCES documents, written_on date NOT NULL, state text NOT NULL, words integer);
CREATE TABLE reminders (LIKE notes INCLUDING ALL, due_on date) INHERITS (notes);

INSERT INTO events
SELECT n, timestamptz '2024-01-01 00:00+00' + interval '1 second' * (n * (31536000.0 / m.rows)), 1 + (hashint8(n)::bigint + 2147483648) % (50 * m.scale),
       (ARRAY['view', 'view', 'view', 'view', 'view', 'view', 'view', 'cart', 'cart', 'buy', 'refund'])[1 + (hashint8(n + 7)::bigint + 2147483648) % 11],
       CASE WHEN n % 3 = 0 THEN ((hashint8(n + 3)::bigint + 2147483648) % 100000) / 100.0 END
  FROM (SELECT current_setting('shop.scale')::bigint AS scale, 3000 * current_setting('shop.scale')::bigint AS rows) m, generate_series(1, m.rows) n;
INSERT INTO documents
SELECT n, 'Document ' || md5(n::text), to_tsvector('simple', (SELECT string_agg('w' || ((hashint8(n * 31 + i)::bigint + 2147483648) % (10 + 40 * i * i)), ' ') FROM generate_series(1, 12) i)),
       ARRAY(SELECT 't' || ((hashint8(n * 17 + i)::bigint + 2147483648) % (5 * i * i * i)) FROM generate_series(1, 1 + n % 4) i),
       jsonb_build_object('color', (ARRAY['red', 'green', 'blue', 'red', 'red'])[1 + n % 5], 'size', n % 40, 'code', 'c' || n % 997),
       daterange(date '2020-01-01' + (n % 1500)::int, date '2020-01-01' + (n % 1500)::int + 1 + (n % 90)::int),
       CASE WHEN n % 4 > 0 THEN 1 + n % (500 * m.scale) END, (ARRAY['de', 'en', 'en', 'en', 'fr'])[1 + n % 5],
       (ARRAY['DE', 'US', 'UK', 'AU', 'FR'])[1 + n % 5], (n % 1000) / 10.0
  FROM (SELECT current_setting('shop.scale')::bigint AS scale) m, generate_series(1, 1000 * m.scale) n;
INSERT INTO notes SELECT n, 1 + n % (1000 * m.scale), date '2023-01-01' + (n % 700)::int, CASE WHEN n % 50 = 0 THEN 'open' ELSE 'done' END, n % 300
  FROM (SELECT current_setting('shop.scale')::bigint AS scale) m, generate_series(1, 2000 * m.scale) n;
INSERT INTO reminders SELECT 10000000 + n, 1 + n % (1000 * m.scale), date '2023-01-01' + (n % 700)::int, 'open', n % 30, date '2024-01-01' + (n % 90)::int
  FROM (SELECT current_setting('shop.scale')::bigint AS scale) m, generate_series(1, 500 * m.scale) n;

CREATE INDEX documents_body ON documents USING gin (body);
CREATE INDEX documents_tags ON documents USING gin (tags);
CREATE INDEX documents_attributes ON documents USING gin (attributes);
CREATE INDEX documents_valid ON documents USING gist (valid);
CREATE INDEX documents_title_lower ON documents (lower(title) text_pattern_ops);
CREATE INDEX documents_owner ON documents (owner_id);
CREATE INDEX documents_recent ON documents (id) WHERE lang = 'de';
CREATE INDEX documents_id_brin ON documents USING brin (id);
CREATE INDEX notes_document ON notes (document_id);
CREATE INDEX notes_open ON notes (written_on) WHERE state = 'open';
CREATE INDEX reminders_due ON reminders (due_on);
CREATE STATISTICS documents_place (ndistinct, dependencies, mcv) ON lang, region FROM documents;
