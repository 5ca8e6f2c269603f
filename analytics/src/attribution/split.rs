//! Divides an amount by weights so that the parts add up to it, to the unit: the method of the largest remainder.

/// Whole units for each weight, in their order. What is left after rounding down goes, a unit each, to the largest
/// remainders, of equal ones to the first. A negative amount is divided as its opposite is: a refund takes back exactly what
/// the sale gave. With no weight above zero there is nobody to give anything to, and all parts are zero.
///
/// Weights are whole numbers, so that no rounding of theirs decides who gets the last cent.
pub(super) fn split(amount: i128, weights: &[u64]) -> Vec<i128> {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if total == 0 {
        return vec![0; weights.len()];
    }
    let whole = amount.unsigned_abs();
    let mut parts = Vec::with_capacity(weights.len());
    let mut rests = Vec::with_capacity(weights.len());
    for (place, weight) in weights.iter().enumerate() {
        // In two steps, so that the product of two large numbers fits.
        let (each, over) = (whole / total, whole % total);
        let scaled = over * u128::from(*weight);
        parts.push(each * u128::from(*weight) + scaled / total);
        rests.push((scaled % total, place));
    }
    let left = whole - parts.iter().sum::<u128>();
    rests.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, place) in rests.into_iter().take(left as usize) {
        parts[place] += 1;
    }
    let sign = amount.signum();
    parts.into_iter().map(|part| part as i128 * sign).collect()
}

/// Weights as whole numbers, in the proportions of these, which are not negative: the largest is 2^52, so that what is
/// below a quadrillionth of it counts as nothing.
pub(super) fn whole(weights: &[f64]) -> Vec<u64> {
    const LARGEST: f64 = (1_u64 << 52) as f64;
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest <= 0.0 {
        return vec![0; weights.len()];
    }
    let scaled = |weight: &f64| (weight / largest * LARGEST).round() as u64;
    weights.iter().map(scaled).collect()
}
