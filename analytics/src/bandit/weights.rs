//! Shares of the visitors out of chances to be the best.

use super::posterior::{Tally, best};

/// What weights add up to.
const WHOLE: u32 = 1000;
/// The least that a variant gets: one that starves could never show that it has become better.
const FLOOR: u32 = 20;
/// Clicks that each variant must have had. With fewer, the first conversion anywhere would decide.
const LEAST_CLICKS: u64 = 50;
/// Conversions that all variants together must have had.
const LEAST_CONVERTED: u64 = 10;

/// The weight of each variant per mille; none where there is too little to go by. A variant that its owner
/// rests gets none, and neither counts.
pub(super) fn of(tallies: &[Tally], rested: &[bool]) -> Option<Vec<u32>> {
    let active = || tallies.iter().zip(rested).filter(|(_, rested)| !**rested);
    let compared: Vec<Tally> = active().map(|(tally, _)| *tally).collect();
    let converted: u64 = compared.iter().map(|tally| tally.converted).sum();
    let seen = compared.iter().all(|tally| tally.clicks >= LEAST_CLICKS);
    if compared.len() < 2 || !seen || converted < LEAST_CONVERTED {
        return None;
    }
    let mut weights = shares(&best(&compared)).into_iter();
    let weight = |rested: &bool| if *rested { Some(0) } else { weights.next() };
    rested.iter().map(weight).collect()
}

/// Whole numbers in proportion to chances, each at least [`FLOOR`], that add up to [`WHOLE`]: what rounding
/// leaves goes to those who lost most by it.
fn shares(chances: &[f64]) -> Vec<u32> {
    let count = u32::try_from(chances.len()).unwrap_or(u32::MAX);
    let free = f64::from(WHOLE.saturating_sub(FLOOR.saturating_mul(count)));
    let mut shares: Vec<u32> = Vec::with_capacity(chances.len());
    let mut lost: Vec<(f64, usize)> = Vec::with_capacity(chances.len());
    for (place, chance) in chances.iter().enumerate() {
        let exact = chance * free;
        shares.push(FLOOR + exact.floor() as u32);
        lost.push((exact - exact.floor(), place));
    }
    lost.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let left = WHOLE.saturating_sub(shares.iter().sum());
    for (_, place) in lost.into_iter().take(left as usize) {
        shares[place] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use whence_core::link::MAX_VARIANTS;

    use super::*;

    fn tally(converted: u64, clicks: u64) -> Tally {
        Tally { clicks, converted }
    }

    #[test]
    fn little_is_not_enough() {
        let both = [false; 2];
        assert_eq!(of(&[tally(9, 500), tally(0, 500)], &both), None);
        assert_eq!(of(&[tally(20, 500), tally(0, 49)], &both), None);
        assert_eq!(of(&[tally(20, 500)], &[false]), None);
        assert!(of(&[tally(10, 500), tally(0, 50)], &both).is_some());
    }

    #[test]
    fn the_better_gets_more_and_the_worse_is_not_starved() {
        let both = [false; 2];
        let clear = of(&[tally(10, 1000), tally(100, 1000)], &both);
        assert_eq!(clear, Some(vec![20, 980]));
        assert_eq!(
            of(&[tally(50, 1000), tally(50, 1000)], &both),
            Some(vec![500, 500])
        );
        let leaning = of(&[tally(50, 1000), tally(60, 1000)], &both).unwrap();
        assert!((700..900).contains(&leaning[1]), "{leaning:?}");
    }

    #[test]
    fn what_is_rested_stays_at_rest() {
        let weights = of(
            &[
                tally(0, 0),
                tally(30, 300),
                tally(900, 1000),
                tally(30, 300),
            ],
            &[true, false, true, false],
        );
        assert_eq!(weights, Some(vec![0, 500, 0, 500]));
        assert_eq!(of(&[tally(30, 300), tally(30, 300)], &[true, false]), None);
    }

    proptest! {
        #[test]
        fn shares_are_whole_and_fair(chances in prop::collection::vec(0.0..1.0_f64, 2..=MAX_VARIANTS)) {
            let sum: f64 = chances.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            let chances: Vec<f64> = chances.iter().map(|chance| chance / sum).collect();
            prop_assume!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let shares = shares(&chances);
            prop_assert_eq!(shares.iter().sum::<u32>(), WHOLE);
            prop_assert!(shares.iter().all(|share| *share >= FLOOR));
            for a in 0..shares.len() {
                for b in 0..shares.len() {
                    prop_assert!(chances[a] <= chances[b] || shares[a] + 1 > shares[b]);
                }
            }
        }
    }
}
