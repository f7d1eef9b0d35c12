#include "metrics/openmetrics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dbperf::client::metrics {
namespace {

std::vector<MetricFamily> sample() {
    return {{"a_seconds",
             MetricType::histogram,
             "seconds",
             "times",
             {{"_bucket", {{"query", "x\"\\\ny"}, {"le", "0.5"}}, 2},
              {"_bucket", {{"query", "x\"\\\ny"}, {"le", "+Inf"}}, 3},
              {"_count", {{"query", "x\"\\\ny"}}, 3},
              {"_sum", {{"query", "x\"\\\ny"}}, 1.25}}},
            {"b", MetricType::counter, "", "rows", {{"_total", {}, 1e16}}},
            {"c_bytes", MetricType::gauge, "bytes", "size", {{"", {}, NAN}}}};
}

TEST(Openmetrics, AllOfIt) {
    EXPECT_EQ(metrics_text(sample(), MetricsDialect::openmetrics),
              "# HELP a_seconds times\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n"
              "a_seconds_bucket{query=\"x\\\"\\\\\\ny\",le=\"0.5\"} 2\n"
              "a_seconds_bucket{query=\"x\\\"\\\\\\ny\",le=\"+Inf\"} 3\n"
              "a_seconds_count{query=\"x\\\"\\\\\\ny\"} 3\n"
              "a_seconds_sum{query=\"x\\\"\\\\\\ny\"} 1.25\n"
              "# HELP b rows\n# TYPE b counter\nb_total 1e+16\n"
              "# HELP c_bytes size\n# TYPE c_bytes gauge\n# UNIT c_bytes bytes\nc_bytes NaN\n"
              "# EOF\n");
}

TEST(Openmetrics, TheOlderFormat) {
    const std::string text = metrics_text(sample(), MetricsDialect::prometheus);
    EXPECT_NE(text.find("# TYPE b_total counter\nb_total 1e+16\n"), std::string::npos);
    EXPECT_EQ(text.find("# UNIT"), std::string::npos);
    EXPECT_EQ(text.find("# EOF"), std::string::npos);
}

TEST(Openmetrics, TheDialectThatIsAskedFor) {
    EXPECT_EQ(accepted_dialect("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
              MetricsDialect::openmetrics);
    EXPECT_EQ(accepted_dialect("text/plain"), MetricsDialect::prometheus);
    EXPECT_EQ(accepted_dialect(""), MetricsDialect::prometheus);
}

} // namespace
} // namespace dbperf::client::metrics
