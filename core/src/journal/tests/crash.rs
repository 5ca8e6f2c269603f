//! How the model machine goes down, and what is left of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::model::ModelFs;

/// Power loss keeps or drops memory by this much, and tears what it neither keeps nor drops.
const WORDS_PER_PAGE: usize = 512;

/// How a machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crash {
    Process,
    Power,
}

/// A crash to come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// The step at which it comes, counted from the boot of the machine; the first is 1.
    pub(super) at: u64,
    /// Whether that step still takes effect.
    pub(super) after: bool,
}

/// A small generator of numbers, so that a crash is repeatable.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn flip(&mut self) -> bool {
        self.roll() & 1 == 0
    }
}

/// Everything on a machine that is down.
#[derive(Clone)]
pub(super) struct Image {
    /// Names as they were visible.
    pub(super) names: BTreeMap<PathBuf, usize>,
    /// Names as they were durable.
    pub(super) durable_names: BTreeMap<PathBuf, usize>,
    /// What each file had in memory, and what on disk.
    pub(super) files: Vec<(Vec<u64>, Vec<u64>)>,
    /// Bytes that the disk holds.
    pub(super) capacity: Option<u64>,
}

impl Image {
    /// The machine after the crash, with the next process on it.
    pub(super) fn boot(&self, crash: Crash, dice: &mut Dice) -> ModelFs {
        let mut image = self.clone();
        if crash == Crash::Power {
            image.lose_power(dice);
        }
        ModelFs::with(image)
    }

    fn lose_power(&mut self, dice: &mut Dice) {
        let paths: BTreeSet<PathBuf> = self
            .names
            .keys()
            .chain(self.durable_names.keys())
            .cloned()
            .collect();
        for path in paths {
            let (visible, durable) = (self.names.get(&path), self.durable_names.get(&path));
            let kept = if dice.flip() { visible } else { durable }.copied();
            self.names.remove(&path);
            self.names.extend(kept.map(|number| (path, number)));
        }
        self.durable_names = self.names.clone();
        for (visible, durable) in &mut self.files {
            let pages = visible
                .chunks_mut(WORDS_PER_PAGE)
                .zip(durable.chunks_mut(WORDS_PER_PAGE));
            for (visible, durable) in pages.filter(|(visible, durable)| visible != durable) {
                match dice.roll() % 3 {
                    0 => durable.copy_from_slice(visible),
                    1 => visible.copy_from_slice(durable),
                    _ => {
                        for (visible, durable) in visible.iter_mut().zip(durable) {
                            if dice.flip() {
                                *durable = *visible;
                            }
                            *visible = *durable;
                        }
                    }
                }
            }
        }
    }
}
