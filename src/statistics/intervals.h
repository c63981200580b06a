// Confidence intervals for what redraft reports: a proportion, a mean score, a mean paired difference, a difference of
// two paired proportions. Sample sizes are small (20 to 300 rows), so each method was taken for its coverage there, not
// for its formula.
//
// Common to all: `confidence` lies in (0, 1). Nothing observed (n = 0) gives the whole range, because nothing is known.
// Values must be finite and inside the stated range; the callers see to that. Results with a seed are a function of the
// arguments alone, on every platform with IEEE doubles. All functions are pure and may be called from any thread.
#ifndef REDRAFT_STATISTICS_INTERVALS_H_
#define REDRAFT_STATISTICS_INTERVALS_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace redraft {

struct Interval {
  double low = 0;
  double high = 0;
};

// Interval of a proportion, inside [0, 1]; successes <= n. Wilson 1927 (J. Am. Stat. Assoc. 22, 209-212): inversion of
// the score test. successes = 0 has low exactly 0, successes = n has high exactly 1; n = 1 is wide (0 of 1: [0, 0.79]).
Interval wilson(std::size_t successes, std::size_t n, double confidence = 0.95);

// Interval of the mean of values in [0, 1] (one score per example, any metric; for 0/1 scores prefer wilson).
// Bootstrap BCa (Efron 1987, J. Am. Stat. Assoc. 82, 171-185; Efron and Tibshirani 1993, An Introduction to the
// Bootstrap, section 14.3), with the normal quantile widened to a Student quantile times sqrt(n / (n - 1)), because the
// bootstrap of a small sample is too narrow by that much (Hesterberg 2015, The American Statistician 69, 371-386, on
// the expanded percentile interval). When all values are equal (n = 1 included) a bootstrap would claim certainty;
// instead: values other than the one seen may still have the share 1 - (a / 2)^(1 / n), a = 1 - confidence, and may all
// lie at either end of the range (the "rule of three", exact for any distribution). Cost: resamples x n draws, about 5
// ns each. resamples >= 1; below 1000 the ends are noisy.
Interval bootstrap_mean(std::span<const double> values, std::uint64_t seed, std::size_t resamples = 10000,
                        double confidence = 0.95);

struct PairedBootstrap {
  double mean = 0;  // of the differences; 0 when there are none
  Interval interval{-1, 1};
  double p = 1;  // two-sided
};

// Mean of paired differences (new score minus old score of the same example), each in [-1, 1], with interval and
// p-value. The interval is made like bootstrap_mean's, p is sign_flip_p of tests.h (same seed and resamples). The two
// are then made to agree, each time towards claiming less: p >= 1 - confidence extends the interval to contain 0; an
// interval that contains 0 raises p to at least 1 - confidence. So p < 1 - confidence exactly when 0 is outside. The
// second rule matters where many small gains hide a rare large loss: the sign-flip test takes gains and losses for
// mirror images and, without any true gain, claimed one in up to 67 % of simulated samples of 20; with the rule it was
// at most 3.4 % in any case tried, where 2.5 % are due. All differences zero: p = 1, an interval around 0.
PairedBootstrap paired_bootstrap(std::span<const double> differences, std::uint64_t seed, std::size_t resamples = 10000,
                                 double confidence = 0.95);

// Interval of the difference of two proportions measured on the same n examples: `fixed` went from wrong to right,
// `broken` from right to wrong, fixed + broken <= n. The estimate is (fixed - broken) / n; the interval lies in
// [-1, 1]. Tango 1998 (Stat. Med. 17, 891-908): the score interval, found to keep its coverage in small samples
// (Fagerland, Lydersen and Laake 2014, Stat. Med. 33, 2850-2875) and the natural partner of McNemar's test, whose
// statistic is Tango's at difference 0. (Newcombe's method 10 needs all four cells of the table.) Since mcnemar_exact
// is a little stricter than Tango's test, the interval is extended to contain 0 where mcnemar_exact >= 1 - confidence:
// interval and test then agree always, in both directions. n = 1, or nothing flipped, is no special case: 0 of n
// flipped gives -+ z^2 / (n + z^2).
Interval proportion_difference(std::size_t fixed, std::size_t broken, std::size_t n, double confidence = 0.95);

}  // namespace redraft

#endif  // REDRAFT_STATISTICS_INTERVALS_H_
