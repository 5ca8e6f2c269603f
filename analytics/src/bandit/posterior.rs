//! How probable it is that a variant is the best, given what became of its clicks.
//!
//! P(i is best) = ∫ fᵢ(x) ∏ Fⱼ(x) dx over j ≠ i, with f and F the density and the distribution of each
//! variant's rate. Both are had by the trapezoidal rule on one grid that is fine wherever one of the
//! densities is narrow, so that neither sampling nor special functions are needed and the same counts
//! give the same answer everywhere.

/// How far around its mean a density is looked at, in standard deviations: beyond, less than 10⁻⁵ of even the
/// most skewed of them, Beta(1, n), is left.
const REACH: f64 = 12.0;
/// Points for each density: 0.06 standard deviations apart, for an error below 10⁻³ (see the tests).
const POINTS: u32 = 400;

/// What became of a variant's clicks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Clicks.
    pub(super) clicks: u64,
    /// Those of them that converted.
    pub(super) converted: u64,
}

impl Tally {
    fn counts(self) -> (f64, f64) {
        // Should a count ever contradict the other, the rate is 1 and not nonsense.
        let converted = self.converted.min(self.clicks);
        (converted as f64, (self.clicks - converted) as f64)
    }

    /// Where the density is to be looked at.
    fn grid(self) -> impl Iterator<Item = f64> {
        let (yes, no) = self.counts();
        let (a, b) = (yes + 1.0, no + 1.0);
        let mean = a / (a + b);
        let deviation = (mean * (1.0 - mean) / (a + b + 1.0)).sqrt();
        let from = (mean - REACH * deviation).max(0.0);
        let to = (mean + REACH * deviation).min(1.0);
        let step = (to - from) / f64::from(POINTS);
        (0..=POINTS).map(move |point| from + f64::from(point) * step)
    }

    /// The density at these points, up to a factor.
    fn density(self, grid: &[f64]) -> Vec<f64> {
        let (yes, no) = self.counts();
        // 0 · ln 0 is 0 here: nothing was seen.
        let part = |count: f64, rate: f64| if count > 0.0 { count * rate.ln() } else { 0.0 };
        let logarithms: Vec<f64> = grid
            .iter()
            .map(|x| part(yes, *x) + part(no, 1.0 - x))
            .collect();
        let highest = logarithms.iter().copied().fold(f64::MIN, f64::max);
        logarithms
            .iter()
            .map(|value| (value - highest).exp())
            .collect()
    }
}

/// For each variant the probability that its rate is the highest; they add up to 1.
pub(super) fn best(tallies: &[Tally]) -> Vec<f64> {
    let mut grid: Vec<f64> = tallies.iter().flat_map(|tally| tally.grid()).collect();
    grid.sort_unstable_by(f64::total_cmp);
    grid.dedup();
    let densities: Vec<Vec<f64>> = tallies.iter().map(|tally| tally.density(&grid)).collect();
    let distributions: Vec<Vec<f64>> = densities
        .iter()
        .map(|density| distribution(&grid, density))
        .collect();
    let mut chances: Vec<f64> = (0..tallies.len())
        .map(|this| {
            let others = |at: usize| -> f64 {
                let others = distributions.iter().enumerate();
                others
                    .filter(|(other, _)| *other != this)
                    .map(|(_, distribution)| distribution[at])
                    .product()
            };
            // Σ of others · dF: exact in F, so that only `others` is approximated between two points.
            (1..grid.len())
                .map(|at| {
                    let step = distributions[this][at] - distributions[this][at - 1];
                    step * (others(at) + others(at - 1)) / 2.0
                })
                .sum()
        })
        .collect();
    let sum: f64 = chances.iter().sum();
    for chance in &mut chances {
        *chance /= sum;
    }
    chances
}

/// The integral of a density up to each point, 1 at the last.
fn distribution(grid: &[f64], density: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums = vec![0.0];
    for at in 1..grid.len() {
        sum += (grid[at] - grid[at - 1]) * (density[at] + density[at - 1]) / 2.0;
        sums.push(sum);
    }
    for value in &mut sums {
        *value /= sum;
    }
    sums
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally(converted: u64, clicks: u64) -> Tally {
        Tally { clicks, converted }
    }

    #[track_caller]
    fn about(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-3,
            "{found} and not {expected}"
        );
    }

    #[test]
    fn what_can_be_worked_out_by_hand() {
        // Nothing known of any.
        about(best(&[Tally::default(); 2])[0], 0.5);
        about(best(&[Tally::default(); 20])[7], 0.05);
        // ∫ 2x · x dx: one conversion of one click against nothing known.
        about(best(&[tally(1, 1), Tally::default()])[0], 2.0 / 3.0);
        // ∫ 3x² · x² dx: two of two against one of one.
        about(best(&[tally(2, 2), tally(1, 1)])[0], 3.0 / 5.0);
        // ∫ n (1-x)^(n-1) · x dx = 1 / (n + 1), with n - 1 = 99 clicks in vain: the most skewed kind.
        about(best(&[tally(0, 99), Tally::default()])[0], 1.0 / 101.0);
        // All alike but one, and that one hopeless.
        let three = best(&[tally(500, 1000), tally(500, 1000), tally(1, 1000)]);
        about(three[0], 0.5);
        about(three[2], 0.0);
    }

    /// P(b > a) for two variants as a finite sum (E. Miller, "Formulas for Bayesian A/B testing", 2015).
    fn closed_form(a: Tally, b: Tally) -> f64 {
        let ln_gamma = |n: u64| (2..n).map(|k| (k as f64).ln()).sum::<f64>();
        let ln_beta = |a: u64, b: u64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        let shape = |t: Tally| (t.converted + 1, t.clicks - t.converted + 1);
        let ((a_yes, a_no), (b_yes, b_no)) = (shape(a), shape(b));
        (0..b_yes)
            .map(|i| {
                let logarithm = ln_beta(a_yes + i, a_no + b_no)
                    - ((b_no + i) as f64).ln()
                    - ln_beta(1 + i, b_no)
                    - ln_beta(a_yes, a_no);
                logarithm.exp()
            })
            .sum()
    }

    #[test]
    fn two_variants_agree_with_the_closed_form() {
        for (a, b) in [
            (tally(0, 10), tally(3, 10)),
            (tally(10, 200), tally(14, 180)),
            (tally(100, 1000), tally(120, 1000)),
            (tally(1, 3000), tally(4, 2900)),
            (tally(50, 50), tally(48, 50)),
        ] {
            about(best(&[a, b])[1], closed_form(a, b));
        }
    }

    #[test]
    fn several_variants_agree_with_brute_force() {
        let tallies = [tally(30, 400), tally(36, 410), tally(20, 300), tally(2, 9)];
        let mut random = fastrand::Rng::with_seed(26);
        // A gamma of whole shape is a sum of exponentials; a beta is a share of two gammas.
        let mut gamma = |shape: u64| (0..shape).map(|_| -(1.0 - random.f64()).ln()).sum::<f64>();
        let mut wins = [0_u32; 4];
        const DRAWS: u32 = 20_000;
        for _ in 0..DRAWS {
            let rates = tallies.map(|t| {
                let (yes, no) = (gamma(t.converted + 1), gamma(t.clicks - t.converted + 1));
                yes / (yes + no)
            });
            let winner = (0..4)
                .max_by(|a, b| rates[*a].total_cmp(&rates[*b]))
                .unwrap();
            wins[winner] += 1;
        }
        for (chance, wins) in best(&tallies).into_iter().zip(wins) {
            let share = f64::from(wins) / f64::from(DRAWS);
            // Three standard errors of so many draws at the most.
            assert!((chance - share).abs() < 0.011, "{chance} and {share}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_counts_give_chances(
            counts in prop::collection::vec((0..1_000_000_000_u64, 0.0..=1.0_f64), 1..=6),
        ) {
            let tallies: Vec<Tally> = counts
                .iter()
                .map(|(clicks, rate)| tally((*clicks as f64 * rate) as u64, *clicks))
                .collect();
            let chances = best(&tallies);
            prop_assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)));
            // The order in which they stand says nothing.
            let backwards: Vec<Tally> = tallies.iter().rev().copied().collect();
            for (one, other) in best(&backwards).iter().rev().zip(&chances) {
                prop_assert!((one - other).abs() < 1e-9);
            }
        }

        #[test]
        fn a_conversion_more_never_harms(clicks in 1..5000_u64, share in 0.0..1.0_f64, other in 0..300_u64) {
            let converted = (clicks as f64 * share) as u64;
            let against = tally(other, 3000);
            let before = best(&[tally(converted, clicks), against])[0];
            let after = best(&[tally(converted + 1, clicks), against])[0];
            prop_assert!(after >= before - 1e-9, "{before} and then {after}");
        }
    }
}
