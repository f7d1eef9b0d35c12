-- Histograms in SQL, against exact values.
SELECT dbperf.quantile('{}', 0.5) IS NULL AS none, dbperf.quantile(NULL, 0.5) IS NULL AS unknown, dbperf.count_above('{}', 1) AS above,
       dbperf.add_histograms('{}', '{}') AS sum;
SELECT dbperf.add_histograms('{1,10,5,2}', '{0,1,5,3,9,7}') AS sum;
SELECT dbperf.merge_histograms(h) AS merged FROM (VALUES ('{7,1}'::bigint[]), ('{7,2,8,1}'), ('{}'), (NULL)) v(h);
SELECT dbperf.merge_histograms(h) AS merged FROM (SELECT NULL::bigint[] AS h WHERE false) v;

-- Buckets follow one another without a gap, and none is wider than a 32nd of where it begins.
SELECT bool_and(abs(dbperf.bucket_low_ms(b + 1) / (dbperf.bucket_low_ms(b) + dbperf.bucket_width_ms(b)) - 1) < 1e-12) AS gapless,
       bool_and(dbperf.bucket_width_ms(b) <= dbperf.bucket_low_ms(b) / 32) FILTER (WHERE b >= 32) AS narrow,
       bool_and(dbperf.bucket_width_ms(b) = 0.000032) FILTER (WHERE b < 32) AS fine
  FROM generate_series(0, 1000) b;

-- Quantiles are nearest ranks: the middle of the bucket in which the exact one lies.
SELECT fraction, dbperf.quantile('{0,50,100,45,200,5}', fraction) = dbperf.bucket_low_ms(bucket) + dbperf.bucket_width_ms(bucket) / 2 AS right_bucket
  FROM (VALUES (0::float8, 0), (0.01, 0), (0.5, 0), (0.51, 100), (0.95, 100), (0.951, 200), (1, 200)) v(fraction, bucket);

-- A distribution over six decades, put into buckets here in SQL.
CREATE TEMP TABLE sample AS
    SELECT exp(ln(2e3) + (ln(2e9) - ln(2e3)) * ((i * 7919 % 2003) / 2003.0))::bigint AS ns FROM generate_series(1, 2002) i;
CREATE TEMP TABLE bounds AS SELECT b, (dbperf.bucket_low_ms(b) * 1e6)::bigint AS low FROM generate_series(0, 1000) b;
CREATE TEMP TABLE histogram AS
    SELECT array_agg(x ORDER BY b, part) AS h
      FROM (SELECT b, count(*) AS n FROM sample s JOIN LATERAL (SELECT b FROM bounds WHERE low <= s.ns ORDER BY low DESC LIMIT 1) l ON true GROUP BY b) c,
           LATERAL (VALUES (1, b), (2, n)) p(part, x);
SELECT f AS fraction, abs(dbperf.quantile(h, f) / (e.exact / 1e6) - 1) <= 0.016 AS within
  FROM histogram, unnest('{0.001,0.01,0.1,0.25,0.5,0.75,0.9,0.95,0.99,0.999,1}'::float8[]) f,
       LATERAL (SELECT percentile_disc(f) WITHIN GROUP (ORDER BY ns)::float8 AS exact FROM sample) e;
SELECT bool_and(dbperf.count_above(h, low / 1e6::float8) = (SELECT count(*) FROM sample WHERE ns >= low)) AS above
  FROM histogram, bounds WHERE b % 37 = 0;

-- Halves add up to the whole.
SELECT dbperf.add_histograms(
           (SELECT array_agg(CASE WHEN i % 2 = 1 THEN v ELSE v / 2 END ORDER BY i) FROM unnest(h) WITH ORDINALITY u(v, i)),
           (SELECT array_agg(CASE WHEN i % 2 = 1 THEN v ELSE v - v / 2 END ORDER BY i) FROM unnest(h) WITH ORDINALITY u(v, i))) = h AS whole
  FROM histogram;

-- What the server counted: one call, one element, between the bounds of its bucket.
CREATE TABLE item (id int);
SELECT dbperf.reset();
SELECT count(*) FROM item;
SELECT count(*) FROM item;
SELECT (SELECT sum(histogram[i + 1]) FROM generate_series(1, cardinality(histogram), 2) i) = calls AS complete,
       min_ms >= dbperf.bucket_low_ms(histogram[1]) AND min_ms < dbperf.bucket_low_ms(histogram[1] + 1) AS low,
       max_ms >= dbperf.bucket_low_ms(histogram[cardinality(histogram) - 1]) AND max_ms < dbperf.bucket_low_ms(histogram[cardinality(histogram) - 1] + 1) AS high
  FROM dbperf.statements WHERE database = current_database() AND query = 'SELECT count(*) FROM item';
DROP TABLE item;
