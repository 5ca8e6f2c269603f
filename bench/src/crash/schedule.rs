//! Which fault comes when: an endless list that the seed alone decides, so that a run can be told again.
//!
//! Faults come in decks, shuffled: in each, every kind comes, and kills come most. How a fault is made, `faults` knows.

use std::time::Duration;

use fastrand::Rng;

use super::parts::{Between, NODES, Part};
use super::proxy::Trouble;

/// Kills in a deck, some of several parts.
const KILLS: usize = 14;
/// Troubles of lines in a deck.
const TROUBLES: usize = 5;

/// A fault, whole: it ends by itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// `kill -9` of these at once; after `down`, started in this order with `gap` between them.
    Kill {
        /// Whom, in the order of the restart.
        parts: Vec<Part>,
        /// How long all stay down.
        down: Duration,
        /// Between two starts.
        gap: Duration,
        /// Whether everything is ready before the next fault.
        settle: bool,
    },
    /// SIGSTOP, and SIGCONT.
    Hold(Part, Duration),
    /// SIGTERM, and a start.
    Restart(Part),
    /// Everything of Whence, one after another: SIGTERM, and a start.
    Roll(Vec<Part>),
    /// A line is in trouble.
    Line(Between, Trouble, Duration),
    /// ClickHouse is killed and stays away.
    ClickHouseAway(Duration),
    /// Redis is killed and stays away.
    RedisAway(Duration),
    /// Inserts fail before a part is committed.
    ErrorsBefore(Duration),
    /// So many inserts of a hundred fail after their parts were committed.
    ErrorsAfter(u8, Duration),
    /// The volume with all journals is full.
    JournalsFull(Duration),
    /// ClickHouse's volume is full.
    ClickHouseFull(Duration),
    /// A clock is wrong by so many seconds.
    Clock(Part, i32, Duration),
    /// A bit of a click that was delivered is flipped in this redirector's journal.
    FlipDelivered(usize),
    /// A bit of a click that was not delivered is flipped there.
    FlipUndelivered(usize),
}

impl Fault {
    /// Its kind, as the result counts them.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Kill { .. } => "kill",
            Self::Hold(..) => "hold",
            Self::Restart(_) => "restart",
            Self::Roll(_) => "rolling_restart",
            Self::Line(_, trouble, _) => match trouble {
                Trouble::None | Trouble::Refused => "line_cut",
                Trouble::Slow(_) => "line_slow",
                Trouble::Unanswered => "line_unanswered",
                Trouble::Silent => "line_silent",
            },
            Self::ClickHouseAway(_) => "clickhouse_away",
            Self::RedisAway(_) => "redis_away",
            Self::ErrorsBefore(_) => "insert_errors_before",
            Self::ErrorsAfter(..) => "insert_errors_after",
            Self::JournalsFull(_) => "journals_full",
            Self::ClickHouseFull(_) => "clickhouse_full",
            Self::Clock(..) => "clock",
            Self::FlipDelivered(_) => "flip_delivered",
            Self::FlipUndelivered(_) => "flip_undelivered",
        }
    }
}

/// The endless list.
pub(super) struct Schedule {
    random: Rng,
    /// How long "for long" is.
    long: Duration,
    deck: Vec<Fault>,
}

impl Schedule {
    /// The list of this seed; parts are away for up to `long`.
    pub(super) fn new(seed: u64, long: Duration) -> Self {
        Self {
            random: Rng::with_seed(seed),
            long,
            deck: Vec::new(),
        }
    }

    fn some_part(&mut self) -> Part {
        self.random.choice(Part::ALL).expect("there are some")
    }

    fn some_time(&mut self, milliseconds: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.random.u64(milliseconds))
    }

    fn kill(&mut self) -> Fault {
        let mut parts = Part::ALL.to_vec();
        self.random.shuffle(&mut parts);
        parts.truncate(self.random.usize(1..=4));
        Fault::Kill {
            parts,
            down: self.some_time(0..600),
            gap: self.some_time(0..300),
            settle: self.random.bool(),
        }
    }

    fn trouble(&mut self) -> Fault {
        let lines = Between::all();
        let line = self.random.choice(lines).expect("there are some");
        let trouble = match self.random.u8(..4) {
            0 => Trouble::Refused,
            1 => Trouble::Slow(self.some_time(20..300)),
            2 => Trouble::Unanswered,
            _ => Trouble::Silent,
        };
        Fault::Line(line, trouble, self.some_time(300..2_000))
    }

    fn shuffled(&mut self) -> Vec<Fault> {
        let mut deck: Vec<_> = (0..KILLS).map(|_| self.kill()).collect();
        deck.extend((0..TROUBLES).map(|_| self.trouble()));
        let node = |random: &mut Rng| random.usize(..NODES);
        for _ in 0..2 {
            deck.push(Fault::Hold(self.some_part(), self.some_time(200..3_500)));
        }
        deck.push(Fault::Restart(self.some_part()));
        let mut services: Vec<_> = Part::ALL[2..].to_vec();
        self.random.shuffle(&mut services);
        deck.push(Fault::Roll(services));
        let long = self.long.mul_f64(0.3 + 0.7 * self.random.f64());
        deck.push(Fault::ClickHouseAway(long));
        deck.push(Fault::RedisAway(self.some_time(500..4_000)));
        deck.push(Fault::ErrorsBefore(self.some_time(500..2_500)));
        for percent in [50, 100] {
            deck.push(Fault::ErrorsAfter(percent, self.some_time(1_000..3_000)));
        }
        deck.push(Fault::JournalsFull(self.some_time(500..2_500)));
        deck.push(Fault::ClickHouseFull(self.some_time(500..2_500)));
        let seconds = self.random.i32(5..7_200) * if self.random.bool() { 1 } else { -1 };
        let part = self.random.choice(&Part::ALL[2..]).expect("there are some");
        deck.push(Fault::Clock(*part, seconds, self.some_time(1_500..3_000)));
        deck.push(Fault::FlipDelivered(node(&mut self.random)));
        deck.push(Fault::FlipUndelivered(node(&mut self.random)));
        self.random.shuffle(&mut deck);
        deck
    }
}

impl Iterator for Schedule {
    /// A pause, and the fault that comes after it.
    type Item = (Duration, Fault);

    fn next(&mut self) -> Option<Self::Item> {
        if self.deck.is_empty() {
            self.deck = self.shuffled();
        }
        let pause = self.some_time(50..500);
        self.deck.pop().map(|fault| (pause, fault))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn one_seed_is_one_list_and_another_is_another() {
        let list = |seed| -> Vec<_> {
            Schedule::new(seed, Duration::from_secs(9))
                .take(200)
                .collect()
        };
        assert_eq!(list(7), list(7));
        assert_ne!(list(7), list(8));
    }

    #[test]
    fn every_deck_has_every_kind_and_many_kills() {
        for seed in 0..20 {
            let mut schedule = Schedule::new(seed, Duration::from_secs(9));
            let deck = schedule.shuffled();
            let kinds: HashSet<_> = deck.iter().map(Fault::kind).collect();
            // Of lines, five come in four kinds: some may be missing.
            let lines = kinds.iter().filter(|kind| kind.starts_with("line")).count();
            assert!(lines >= 1 && kinds.len() - lines == 13, "{kinds:?}");
            let kills = deck.iter().map(|fault| match fault {
                Fault::Kill { parts, .. } => parts.len(),
                _ => 0,
            });
            assert!(kills.sum::<usize>() >= KILLS, "{deck:?}");
        }
    }
}
