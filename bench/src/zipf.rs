//! Popularity as it is in life: the n-th most popular thing comes 1/n as often as the first.

use fastrand::Rng;

/// Draws kinds, number 0 being the most popular.
pub(crate) struct Zipf {
    /// Of each kind, the sum of the shares up to it.
    heaps: Vec<f64>,
}

impl Zipf {
    /// Of so many kinds, at least one.
    pub(crate) fn of(kinds: usize) -> Self {
        let mut sum = 0.0;
        let heaps = (1..=kinds.max(1))
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        Self { heaps }
    }

    /// Draws one.
    pub(crate) fn draw(&self, random: &mut Rng) -> usize {
        let drawn = random.f64() * self.heaps[self.heaps.len() - 1];
        self.heaps
            .partition_point(|&below| below <= drawn)
            .min(self.heaps.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_comes_half_as_often_as_the_first() {
        let mut random = Rng::with_seed(1);
        let zipf = Zipf::of(1_000);
        let picks: Vec<_> = (0..200_000).map(|_| zipf.draw(&mut random)).collect();
        let count = |kind| picks.iter().filter(|&&pick| pick == kind).count() as f64;
        for rank in [2_usize, 3, 10] {
            let ratio = count(0) / count(rank - 1);
            assert!(
                (ratio / rank as f64 - 1.0).abs() < 0.1,
                "rank {rank}: {ratio}"
            );
        }
        assert!(picks.iter().all(|&pick| pick < 1_000));
        assert!((0..100).all(|_| Zipf::of(1).draw(&mut random) == 0));
    }
}
