//! The middle of several rounds, which one that was disturbed does not move, and other places in their order.

use std::time::Duration;

/// The median; of an even number of values, the mean of the two in the middle.
///
/// # Panics
/// Where there are no values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    assert!(!values.is_empty(), "a median needs at least one value");
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

/// The smallest of these times, which are sorted, that at least this part of them are not above.
///
/// # Panics
/// Where there are none.
pub(crate) fn quantile(sorted: &[Duration], part: f64) -> Duration {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// A figure with as many decimals as it deserves.
pub(crate) fn rounded(value: f64, decimals: i32) -> f64 {
    let unit = 10_f64.powi(decimals);
    (value * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wild_round_does_not_move_the_middle() {
        assert_eq!(median([3.0, 1.0, 1000.0]), 3.0);
        assert_eq!(median([4.0, 1.0, 2.0, 1000.0]), 3.0);
        assert_eq!(median([7.0]), 7.0);
    }

    #[test]
    fn a_quantile_is_one_of_the_times() {
        let sorted: Vec<_> = (1..=100).map(Duration::from_micros).collect();
        let times = [0.0, 0.5, 0.99, 1.0].map(|part| quantile(&sorted, part).as_micros());
        assert_eq!(times, [1, 50, 99, 100]);
    }

    #[test]
    fn rounding() {
        assert_eq!(rounded(1.23456, 2), 1.23);
        assert_eq!(rounded(1e-7, 6), 0.0);
    }
}
