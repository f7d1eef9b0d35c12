#include "reports/latency.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace dbperf::client::reports {
using namespace postgres;

namespace {

std::vector<LatencyBucket> parse_buckets(const std::string &json) {
    std::vector<LatencyBucket> buckets;
    for (const nlohmann::json &each : nlohmann::json::parse(json))
        buckets.push_back({each.at(0).get<double>(), each.at(1).get<double>(), each.at(2).get<long long>()});
    return buckets;
}

std::vector<LatencyLimit> parse_limits(const std::string &json) {
    std::vector<LatencyLimit> limits;
    for (const nlohmann::json &each : nlohmann::json::parse(json))
        limits.push_back({each.at(0).get<std::string>(), each.at(1).get<double>()});
    return limits;
}

} // namespace

std::vector<QueryLatency> load_latencies(Connection &results, const std::string &run_id, double slow_ms, int most) {
    // The statement shown of a name is the one that took the most time.
    const Result rows = results.execute(
        "WITH grouped AS ("
        "  SELECT coalesce(query_name, fingerprint::text) AS key, coalesce(query_name, '') AS name,"
        "         (array_agg(coalesce(query, '') ORDER BY total_ms DESC))[1] AS query,"
        "         (array_agg(fingerprint ORDER BY total_ms DESC))[1] AS fingerprint,"
        "         sum(calls)::bigint AS calls, sum(aborted)::bigint AS aborted, sum(total_ms) AS total_ms,"
        "         min(min_ms) AS min_ms, max(max_ms) AS max_ms, dbperf.merge_histograms(histogram) AS histogram,"
        "         sum(shared_blks_hit + shared_blks_read)::float8 / sum(calls)::float8 AS blocks,"
        "         sum(rows)::float8 / sum(calls)::float8 AS rows"
        "    FROM dbperf.statements WHERE run_id = $1::uuid AND top_level GROUP BY 1, 2"
        "), limited AS ("
        "  SELECT g.*, (SELECT coalesce(jsonb_agg(jsonb_build_array(b.metric, b.budget) ORDER BY b.metric), '[]')"
        "                 FROM dbperf.budgets b WHERE b.project = coalesce(current_setting('dbperf.project', true), '')"
        "                  AND b.query IN (g.name, g.fingerprint::text) AND b.metric LIKE '%\\_ms') AS limits"
        "    FROM grouped g"
        ") SELECT name, query, fingerprint, calls, aborted, total_ms, total_ms / calls::float8 AS mean_ms, max_ms,"
        " least(max_ms, greatest(min_ms, dbperf.quantile(histogram, 0.5))) AS p50_ms,"
        " least(max_ms, greatest(min_ms, dbperf.quantile(histogram, 0.95))) AS p95_ms,"
        " least(max_ms, greatest(min_ms, dbperf.quantile(histogram, 0.99))) AS p99_ms, blocks, rows, limits,"
        " (SELECT coalesce(jsonb_agg(jsonb_build_array(dbperf.bucket_low_ms(histogram[i]),"
        "    dbperf.bucket_width_ms(histogram[i]), histogram[i + 1]) ORDER BY i), '[]')"
        "    FROM generate_series(1, cardinality(histogram), 2) i) AS buckets"
        " FROM limited WHERE max_ms >= $2::float8 OR limits <> '[]' OR name <> ''"
        " ORDER BY p95_ms DESC, key LIMIT $3::integer",
        {run_id, fmt::format("{}", slow_ms), std::to_string(most)});
    std::vector<QueryLatency> latencies;
    for (int row = 0; row < rows.rows(); ++row) {
        QueryLatency each;
        each.name = rows.text(row, "name");
        each.query = rows.text(row, "query");
        each.fingerprint = rows.text(row, "fingerprint");
        each.calls = rows.integer(row, "calls");
        each.aborted = rows.integer(row, "aborted");
        each.total_ms = rows.number(row, "total_ms").value_or(0);
        each.mean_ms = rows.number(row, "mean_ms").value_or(0);
        each.p50_ms = rows.number(row, "p50_ms").value_or(0);
        each.p95_ms = rows.number(row, "p95_ms").value_or(0);
        each.p99_ms = rows.number(row, "p99_ms").value_or(0);
        each.max_ms = rows.number(row, "max_ms").value_or(0);
        each.blocks = rows.number(row, "blocks").value_or(0);
        each.rows = rows.number(row, "rows").value_or(0);
        each.buckets = parse_buckets(rows.text(row, "buckets"));
        each.limits = parse_limits(rows.text(row, "limits"));
        latencies.push_back(std::move(each));
    }
    return latencies;
}

LatencyBins log_bins(const std::vector<LatencyBucket> &buckets, double low_ms, double high_ms, int count) {
    LatencyBins bins;
    const double low = std::log(low_ms);
    const double width = (std::log(high_ms) - low) / count;
    for (int i = 0; i <= count; ++i)
        bins.bounds_ms.push_back(std::exp(low + width * i));
    bins.calls.assign(static_cast<std::size_t>(count), 0);
    for (const LatencyBucket &bucket : buckets) {
        const double middle = bucket.low_ms + bucket.width_ms / 2;
        const int at = width > 0 && middle > 0 ? static_cast<int>((std::log(middle) - low) / width) : 0;
        bins.calls[static_cast<std::size_t>(std::clamp(at, 0, count - 1))] += static_cast<double>(bucket.calls);
    }
    return bins;
}

} // namespace dbperf::client::reports
