// Tests of paired differences, and how small a difference a test split can show. Under the null hypothesis that each
// states, both tests are exact or conservative at any sample size, for 6 rows as for 3000. All functions are pure,
// deterministic and may be called from any thread.
#ifndef REDRAFT_STATISTICS_TESTS_H_
#define REDRAFT_STATISTICS_TESTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace redraft {

// Two-sided p-value for 0/1 scores: `fixed` examples went from wrong to right, `broken` from right to wrong, and
// without a difference each flip is a fair coin. McNemar 1947 (Psychometrika 12, 153-157) in its exact binomial form:
// twice the smaller tail, at most 1; not the mid-p variant, which can exceed its level. fixed = broken = 0 gives 1.
// Fewer than 6 flips are never below 0.05. Relative error below 1e-9 up to 10^5 flips, O(flips) time; p-values below
// 1e-300 may come out as 0.
double mcnemar_exact(std::size_t fixed, std::size_t broken);

// Two-sided p-value that paired differences (any finite values) are centred on 0: the share of sign patterns whose sum
// is at least as far from 0 as the one seen (Fisher 1935, The Design of Experiments, section 21). Its null is that a
// difference is as likely as its negative, which is more than a mean of 0: paired_bootstrap of intervals.h guards
// against the gap. Zero differences do not matter: none, or only zeros, gives 1. Sums equal up to rounding count as
// equally far. All patterns are visited when they number at most `resamples` (13 nonzero differences with the default),
// and then the p-value is exact; else `resamples` patterns are drawn and p = (hits + 1) / (resamples + 1), which is
// valid and never 0 (Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, article 39). The same seed gives the same
// p-value. Cost: resamples x n.
double sign_flip_p(std::span<const double> differences, std::uint64_t seed, std::size_t resamples = 10000);

// The smallest true gain of 0/1 scores that n paired examples show with probability `power` by mcnemar_exact at level
// `alpha` (both in (0, 1)), when the share `discordance` in [0, 1] of the examples flips (in whichever direction). A
// gain cannot exceed the share of flips: a larger gain is taken to come with just as many flips. Nothing when not even
// a gain of 1 would show (n < 6 at 0.05). Connor 1987 (Biometrics 43, 207-211) with the continuity correction that the
// exact test amounts to; never below the exact power calculation in any case tried, and above it by 0.06 at n = 20,
// 0.004 to 0.013 at n = 90, 0.001 at n = 300.
std::optional<double> smallest_detectable_difference(std::size_t n, double discordance, double power = 0.8,
                                                     double alpha = 0.05);

// The same for scores of any kind: the smallest true mean difference when paired differences in [-1, 1] have standard
// deviation sd >= 0. Normal approximation. Nothing when it would exceed 1, or when n is so small that sign_flip_p
// cannot fall below alpha.
std::optional<double> smallest_detectable_mean_difference(std::size_t n, double sd, double power = 0.8,
                                                          double alpha = 0.05);

}  // namespace redraft

#endif  // REDRAFT_STATISTICS_TESTS_H_
