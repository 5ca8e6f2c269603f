//! Paths of touches, alike ones counted together.

use std::collections::HashMap;

/// Paths that are alike, and what became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The channels by their numbers in [`Paths`], the earliest touch first.
    pub touches: Vec<u32>,
    /// How many ended in a conversion.
    pub conversions: u64,
    /// What these were worth together, in the smallest unit.
    pub value: i128,
    /// How many ended in none.
    pub null: u64,
}

/// All paths, and the names of the channels on them.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    channels: Vec<String>,
    numbers: HashMap<String, u32>,
    /// The channel that stands for nobody having led here.
    direct: Option<u32>,
    /// The paths.
    pub paths: Vec<Path>,
}

impl Paths {
    /// The number of a channel, a new one where it was not met before.
    pub fn channel(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.channels.len() as u32;
        if ["direct", "(direct)", "(none)"]
            .iter()
            .any(|direct| name.eq_ignore_ascii_case(direct))
        {
            self.direct.get_or_insert(number);
        }
        self.channels.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The channels' names, by their numbers.
    #[must_use]
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// Whether a channel stands for nobody having led here: `Direct`, `(direct)` or `(none)` in any letter case.
    pub(super) fn is_direct(&self, channel: u32) -> bool {
        self.direct == Some(channel)
    }
}
