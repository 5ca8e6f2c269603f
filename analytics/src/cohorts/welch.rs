//! The interval of the difference of two means, and of two shares.

use crate::reports::proportion::{Z, wilson};

/// A sample, as it is told: how many, their sum, and the sum of their squares.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) squares: f64,
}

impl Sample {
    /// The mean; none of nothing.
    pub(super) fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The variance of the mean: of the sample (with n − 1), by n; none of fewer than two.
    fn variance_of_mean(self) -> Option<f64> {
        let n = self.count as f64;
        let variance = (self.squares - self.sum * self.sum / n).max(0.0) / (n - 1.0);
        (self.count > 1).then(|| variance / n)
    }
}

/// The 95 % interval of the first mean less the second, by Welch's t (1947) with Satterthwaite's degrees of freedom (1946);
/// none where a sample has fewer than two, or both do not vary at all.
pub(super) fn of_means(first: Sample, second: Sample) -> Option<(f64, f64)> {
    let difference = first.mean()? - second.mean()?;
    let (a, b) = (first.variance_of_mean()?, second.variance_of_mean()?);
    let both = a + b;
    if both <= 0.0 {
        return None;
    }
    let part = |variance: f64, count: u64| variance * variance / (count - 1) as f64;
    let freedom = both * both / (part(a, first.count) + part(b, second.count));
    let half = quantile(freedom) * both.sqrt();
    Some((difference - half, difference + half))
}

/// The 95 % interval of the first share less the second, by Newcombe's hybrid score method (1998, method 10): as far from the
/// difference as the shares are from the ends of their own intervals, put together as sides of a right angle.
pub(super) fn of_shares(first: (u64, u64), second: (u64, u64)) -> Option<(f64, f64)> {
    if first.1 == 0 || second.1 == 0 {
        return None;
    }
    let share = |(part, whole): (u64, u64)| part as f64 / whole as f64;
    let (p, q) = (share(first), share(second));
    let (low_p, high_p) = wilson(first.0, first.1);
    let (low_q, high_q) = wilson(second.0, second.1);
    Some((
        p - q - (p - low_p).hypot(high_q - q),
        p - q + (high_p - p).hypot(q - low_q),
    ))
}

/// Steps of the integral: for an error of the quantile below 10⁻⁶ (see the tests).
const STEPS: u32 = 4_000;
/// From so many degrees of freedom on, the normal distribution with two corrections is as good.
const MANY: f64 = 200.0;

/// The 97.5 % quantile of Student's t distribution with so many degrees of freedom, at least 1.
///
/// With t = √ν tan θ its density becomes cos^(ν−1) θ, so that the area is a plain integral over a quarter of a turn.
fn quantile(freedom: f64) -> f64 {
    if freedom > MANY {
        // Cornish and Fisher's expansion (1938), two terms of it.
        let (z, z3, z5) = (Z, Z.powi(3), Z.powi(5));
        return z
            + (z3 + z) / (4.0 * freedom)
            + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * freedom * freedom);
    }
    let width = std::f64::consts::FRAC_PI_2 / f64::from(STEPS);
    let density = |step: f64| (step * width).cos().max(0.0).powf(freedom - 1.0);
    // The area of each step by Simpson's rule.
    let area = |step: u32| {
        let at = f64::from(step);
        (density(at) + 4.0 * density(at + 0.5) + density(at + 1.0)) / 6.0
    };
    let areas: Vec<f64> = (0..STEPS).map(area).collect();
    let wanted = 0.95 * areas.iter().sum::<f64>();
    let (mut sum, mut at) = (0.0, 0.0);
    for area in areas {
        if sum + area >= wanted {
            at += (wanted - sum) / area;
            break;
        }
        sum += area;
        at += 1.0;
    }
    freedom.sqrt() * (at * width).tan()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn students_quantiles() {
        // As tables have them.
        for (freedom, wanted) in [
            (1.0, 12.706_205),
            (2.0, 4.302_653),
            (3.0, 3.182_446),
            (4.0, 2.776_445),
            (5.0, 2.570_582),
            (10.0, 2.228_139),
            (30.0, 2.042_272),
            (100.0, 1.983_972),
            (200.0, 1.971_896),
            (201.0, 1.971_837),
            (1000.0, 1.962_339),
            (1e12, 1.959_964),
        ] {
            let found = quantile(freedom);
            assert!((found - wanted).abs() < 2e-5, "{freedom}: {found}");
        }
    }

    /// As in Newcombe, "Interval estimation for the difference between independent proportions" (1998), table II.
    #[test]
    fn newcombes_interval() {
        for (first, second, low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 10), -0.2775, 0.2775),
            ((10, 10), (0, 10), 0.6075, 1.0),
        ] {
            let (found_low, found_high) = of_shares(first, second).unwrap();
            assert!((found_low - low).abs() < 1e-4, "{first:?}: {found_low}");
            assert!((found_high - high).abs() < 1e-4, "{first:?}: {found_high}");
        }
        assert_eq!(of_shares((0, 0), (1, 2)), None);
    }

    fn sample(values: &[f64]) -> Sample {
        Sample {
            count: values.len() as u64,
            sum: values.iter().sum(),
            squares: values.iter().map(|value| value * value).sum(),
        }
    }

    #[test]
    fn welchs_interval() {
        let first = sample(&[
            27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7,
            21.4,
        ]);
        let second = sample(&[
            27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5,
            24.4,
        ]);
        // t = −2.4554 with 24.9885 degrees of freedom, of which the 97.5 % quantile is 2.0596.
        let (low, high) = of_means(first, second).unwrap();
        let difference = first.mean().unwrap() - second.mean().unwrap();
        let error = difference / -2.455_4;
        assert!((low - (difference - 2.0596 * error)).abs() < 1e-3, "{low}");
        assert!(
            (high - (difference + 2.0596 * error)).abs() < 1e-3,
            "{high}"
        );
        assert_eq!(of_means(sample(&[1.0]), second), None);
        assert_eq!(of_means(sample(&[1.0, 1.0]), sample(&[2.0, 2.0])), None);
    }
}
