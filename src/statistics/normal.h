// The normal distribution and its inverse, on which the intervals and the power figures stand. The standard library has
// erfc but no inverse; bisection gives one that is exact to the last bits and needs no table of coefficients.
#ifndef REDRAFT_STATISTICS_NORMAL_H_
#define REDRAFT_STATISTICS_NORMAL_H_

namespace redraft {

// P(Z <= z) for a standard normal Z.
double normal_cdf(double z);

// The z with normal_cdf(z) = p. p <= 0 gives -infinity, p >= 1 gives +infinity. Absolute error below 1e-12 for p in
// [1e-300, 1 - 1e-4]; nearer to 1 the spacing of doubles around p is the limit.
double normal_quantile(double p);

// The z of a two-sided interval: normal_quantile((1 + confidence) / 2), confidence in (0, 1).
double two_sided_z(double confidence);

// The largest x in [low, high], to the last bits, where a predicate that is true up to some point and false after it
// still holds; low when it holds nowhere above. Serves every inversion in this folder.
template <typename Predicate>
double last_true(double low, double high, Predicate holds) {
  for (int step = 0; step < 200; ++step) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (holds(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace redraft

#endif  // REDRAFT_STATISTICS_NORMAL_H_
