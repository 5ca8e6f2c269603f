//! The middle of several rounds: one that was disturbed does not move it.

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
    fn rounding() {
        assert_eq!(rounded(1.23456, 2), 1.23);
        assert_eq!(rounded(1e-7, 6), 0.0);
    }
}
