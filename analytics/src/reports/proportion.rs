//! Shares with their 95 % interval.

use serde_json::{Value, json};

/// The 97.5 % quantile of the normal distribution: both ends of a 95 % interval.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// A share as the API shows it: `value`, and `low` and `high` of its interval; null of nothing.
pub(crate) fn share(part: u64, whole: u64) -> Value {
    if whole == 0 {
        return Value::Null;
    }
    let (low, high) = wilson(part, whole);
    json!({ "value": part as f64 / whole as f64, "low": low, "high": high })
}

/// The 95 % interval of a share, by Wilson's score (1927).
pub(crate) fn wilson(part: u64, whole: u64) -> (f64, f64) {
    let (share, n) = (part as f64 / whole as f64, whole as f64);
    let (z2, n2) = (Z * Z, 2.0 * n);
    let middle = share + z2 / n2;
    let half = Z * (share * (1.0 - share) / n + z2 / (n2 * n2)).sqrt();
    let all = 1.0 + z2 / n;
    // Of none and of all an end is the share itself, but for what rounding adds.
    (
        ((middle - half) / all).clamp(0.0, share),
        ((middle + half) / all).clamp(share, 1.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I.
    #[test]
    fn wilsons_interval() {
        for (part, whole, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let (found_low, found_high) = wilson(part, whole);
            assert!(
                (found_low - low).abs() < 5e-5,
                "{part}/{whole}: {found_low}"
            );
            assert!(
                (found_high - high).abs() < 5e-5,
                "{part}/{whole}: {found_high}"
            );
        }
    }

    #[test]
    fn of_nothing_there_is_no_share() {
        assert_eq!(share(0, 0), Value::Null);
        assert_eq!(share(0, 20)["value"], 0.0);
    }
}
