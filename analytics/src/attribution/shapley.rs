//! The Shapley value of each channel.
//!
//! A set of channels is worth the conversions of the paths that have no others: what it would have led to alone. Such a game
//! is a sum of games in which one path's channels earn its conversions only all together, and there each earns the same:
//! so the value is exact for any number of channels, and adds up path by path. Known in attribution from Zhao, Mahboobi and
//! Bagheri, "Shapley Value Methods for Attribution Modeling in Online Advertising" (2018); the tests add it up over all sets.

/// A weight for each touch of a path: the same for each channel, given to the first touch of it.
pub(super) fn weights(touches: &[u32]) -> Vec<u64> {
    touches
        .iter()
        .enumerate()
        .map(|(place, channel)| u64::from(!touches[..place].contains(channel)))
        .collect()
}
