// When is a racer surely worse than the leader? Judged by betting: a gambler starts with 1, stakes a share of the
// capital on every paired difference being negative, and cannot grow rich unless the mean difference is. Nothing is
// stored between looks: the answer is a function of the differences so far, hence the same after a resume. All
// functions are pure and may be called from any thread.
#ifndef REDRAFT_STATISTICS_RACING_H_
#define REDRAFT_STATISTICS_RACING_H_

#include <cstddef>
#include <span>
#include <vector>

namespace redraft {

// log of the e-value against "the mean difference is >= 0". `differences` are racer's score minus leader's score on the
// same example, one per example that both have seen, in [-1, 1] (values outside by rounding are clamped). No
// differences: 0. The e-value is the mean, over ten stakes b spread evenly over (0, 1), of the product of (1 - b *
// difference): a mixture of Waudby-Smith and Ramdas's capital processes (2024, J. R. Stat. Soc. B 86, 1-27, section 4,
// with the one-sided bet on the mean being smaller). Under the null its expectation is at most 1 at any stopping time;
// it does not depend on the order of the differences, and examples where both score alike do not move it. In trials it
// decided 0/1 races a little sooner than the paper's predictable stakes, and both several times sooner than Hoeffding's
// bound.
double log_evidence_worse(std::span<const double> differences);

// True when the racer is worse than the leader, wrongly so with probability at most `error` (in (0, 1)) for the whole
// race: every racer, every leader, every look. `racers` counts all that started the race, dropped ones too.
// - Time: what meets the threshold is the highest capital over all prefixes of `differences` (Ville's inequality). So
//   looks may be taken whenever one likes, and who once was surely worse than a leader remains so.
// - Leaders: the leader is chosen by looking at the scores, and may change. The error is therefore split over all
//   racers * (racers - 1) ordered pairs, and `differences` must be to the present leader from the first example on, as
//   though it had always led. Then no racer is called worse than one that it equals or beats, for all pairs at once.
// - Assumes that examples come in an order that does not depend on the scores (shuffled once, or by digest).
// Fewer than two racers, or no differences: false. A NaN among the differences: false from there on.
bool surely_worse(std::span<const double> differences, std::size_t racers, double error);

// Indices of the best ceil(fraction * n) scores, at least one (none of none), best first; equal scores by lower index;
// NaN ranks last. fraction lies in (0, 1]; 1/3 of 9 is 3. The keep step of successive halving (Jamieson and Talwalkar
// 2016, AISTATS, section 3).
std::vector<std::size_t> successive_halving_keep(std::span<const double> scores, double fraction);

}  // namespace redraft

#endif  // REDRAFT_STATISTICS_RACING_H_
