// The standard normal distribution: tail and quantile, for the tests whose exact distribution is too large to count.
#pragma once

namespace dbperf::timing {

// P(Z <= z), by the complementary error function of the C library.
double normal_below(double z);

// The z with normal_below(z) = probability, to about 1e-15; -40 and 40 for probabilities at or beyond 0 and 1.
double normal_quantile(double probability);

} // namespace dbperf::timing
