//! One cell of the table: so many links, one way to connect, all servers in turn.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use tokio_rustls::TlsConnector;

use super::slices::Slices;
use super::subject::Subject;
use crate::cpu::stolen;
use crate::load::closed::{self, Rush};
use crate::load::open::{self, Arrivals};
use crate::load::requests::Requests;
use crate::load::{Crowd, Way};
use crate::median::{median, rounded};

/// How much is asked.
pub(super) struct Effort {
    /// By whom.
    pub(super) crowd: Crowd,
    /// Rounds as fast as the servers answer, after one to warm up.
    pub(super) rounds: u32,
    /// How long each asks each server.
    pub(super) time: Duration,
    /// Rounds at the fixed rate.
    pub(super) steady_rounds: u32,
    /// How long each asks each server.
    pub(super) steady_time: Duration,
}

/// The servers that are compared.
pub(super) struct Subjects<'s> {
    /// The redirector.
    pub(super) whence: Subject<'s>,
    /// Bare hyper.
    pub(super) hyper: Subject<'s>,
    /// nginx, where it is installed.
    pub(super) nginx: Option<Subject<'s>>,
}

/// What is seen of one server, round by round.
#[derive(Default)]
struct Seen {
    rushes: Vec<Rush>,
    waits: Slices,
}

/// What all servers came to.
#[derive(Serialize)]
pub(super) struct Cell {
    pub(super) way: Way,
    pub(super) links: u32,
    /// Requests a second at which the latencies were measured: half of what bare hyper answered at most.
    pub(super) steady_rps: f64,
    pub(super) whence: Figures,
    pub(super) hyper: Figures,
    pub(super) nginx: Option<Figures>,
    /// Part of the machine's CPU time at the fixed rate that its host gave to others.
    pub(super) stolen: f64,
    /// Medians over the rounds of the one's figure divided by the other's of the same round.
    pub(super) cpu_ratio_vs_hyper: f64,
    pub(super) cpu_ratio_vs_nginx: Option<f64>,
    /// The one's median over the slices divided by the other's.
    pub(super) p99_ratio_vs_hyper: f64,
    pub(super) p99_ratio_vs_nginx: Option<f64>,
    /// The ratio to bare hyper in each round.
    pub(super) cpu_ratios: Vec<f64>,
    #[serde(skip)]
    pub(super) tally: Tally,
}

/// What one server came to: medians over the rounds, and over the slices of those at the fixed rate.
#[derive(Serialize)]
pub(super) struct Figures {
    /// CPU time of the process and its children for each answer.
    pub(super) cpu_us: f64,
    /// Of it, outside the kernel.
    pub(super) user_us: f64,
    /// Answers a second, at most.
    pub(super) rps: f64,
    /// CPU time that the load took for each of these answers, from the same cores.
    pub(super) load_us: f64,
    /// Latency at the fixed rate.
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    /// Of all slices together, those included that the host took CPU time from.
    pub(super) p99_of_all_us: f64,
    /// How late the load sent at the fixed rate; in the latency too.
    pub(super) late_p99_us: f64,
}

/// What must be right, whatever the figures are.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    /// Redirects of the redirector.
    pub(super) redirects: u64,
    /// Answers other than 302 and broken connections, of all servers.
    pub(super) errors: u64,
}

/// Measures all of them.
pub(super) fn measure(
    effort: &Effort,
    way: Way,
    links: u32,
    subjects: &Subjects<'_>,
    connector: &TlsConnector,
    requests: &Arc<Requests>,
) -> Result<Cell> {
    let all: Vec<_> = [&subjects.whence, &subjects.hyper]
        .into_iter()
        .chain(&subjects.nginx)
        .map(|subject| Ok((subject.server, subject.aim(way, connector)?)))
        .collect::<Result<_>>()?;
    let mut seen: Vec<Seen> = all.iter().map(|_| Seen::default()).collect();
    let mut tally = Tally::default();

    // Round 0 warms everything up.
    for round in 0..=effort.rounds {
        for place in in_turn(round, all.len()) {
            let (server, aim) = &all[place];
            let rush = closed::ask(effort.crowd, server, aim, requests, effort.time)?;
            tally.add(place == 0, rush.answers_in_all, rush.errors);
            if round > 0 {
                seen[place].rushes.push(rush);
            }
        }
    }
    let steady_rps = (median(seen[1].rushes.iter().map(Rush::rate)) / 2.0).round();
    let arrivals = Arrivals {
        rate: steady_rps,
        time: effort.steady_time,
        stop: Arc::default(),
    };
    let stolen_before = stolen()?;
    let steady_from = Instant::now();
    for round in 0..effort.steady_rounds {
        for place in in_turn(round, all.len()) {
            let waits = open::ask(effort.crowd, &all[place].1, requests, &arrivals)?;
            tally.add(place == 0, waits.answers_in_all, waits.errors);
            seen[place].waits.add(&waits);
        }
    }

    let stolen = (stolen()? - stolen_before) / cores() / steady_from.elapsed().as_secs_f64();

    let (whence, hyper, nginx) = (&seen[0], &seen[1], seen.get(2));
    Ok(Cell {
        way,
        links,
        steady_rps,
        whence: whence.figures(),
        hyper: hyper.figures(),
        nginx: nginx.map(Seen::figures),
        stolen: rounded(stolen, 4),
        cpu_ratio_vs_hyper: middle(whence.cpu_ratios(hyper)),
        cpu_ratio_vs_nginx: nginx.map(|nginx| middle(whence.cpu_ratios(nginx))),
        p99_ratio_vs_hyper: whence.p99_ratio(hyper),
        p99_ratio_vs_nginx: nginx.map(|nginx| whence.p99_ratio(nginx)),
        cpu_ratios: whence.cpu_ratios(hyper).collect(),
        tally,
    })
}

/// Who goes first changes, so that nobody is always asked after the same other.
fn in_turn(round: u32, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |place| (place + round as usize) % count)
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1, NonZero::get) as f64
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    rounded(median(values), 3)
}

impl Seen {
    fn figures(&self) -> Figures {
        let rush = |pick: fn(&Rush) -> f64| middle(self.rushes.iter().map(pick));
        let wait = |quantile| rounded(self.waits.latency_us(quantile), 1);
        Figures {
            cpu_us: rush(Rush::cpu_us),
            user_us: rush(Rush::user_us),
            rps: rush(Rush::rate).round(),
            load_us: rush(Rush::load_us),
            p50_us: wait(0.5),
            p99_us: wait(0.99),
            p999_us: wait(0.999),
            p99_of_all_us: rounded(self.waits.latency_of_all_us(0.99), 1),
            late_p99_us: rounded(self.waits.late_us(0.99), 1),
        }
    }

    fn cpu_ratios(&self, other: &Self) -> impl Iterator<Item = f64> {
        let pairs = self.rushes.iter().zip(&other.rushes);
        pairs.map(|(own, other)| rounded(own.cpu_us() / other.cpu_us(), 3))
    }

    fn p99_ratio(&self, other: &Self) -> f64 {
        rounded(
            self.waits.latency_us(0.99) / other.waits.latency_us(0.99),
            3,
        )
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} links:", self.way, self.links)?;
        let all = [
            ("whence", Some(&self.whence)),
            ("bare hyper", Some(&self.hyper)),
            ("nginx", self.nginx.as_ref()),
        ];
        for (name, figures) in all {
            let Some(figures) = figures else { continue };
            write!(
                f,
                "\n  {name:10} {:6.2} us CPU ({:.2} user), {:6.0} a second; at {:.0} a second p50 {:.0}, p99 {:.0}, \
                 p99.9 {:.0} us",
                figures.cpu_us,
                figures.user_us,
                figures.rps,
                self.steady_rps,
                figures.p50_us,
                figures.p99_us,
                figures.p999_us,
            )?;
        }
        write!(
            f,
            "\n  CPU {:.3} x bare hyper, p99 {:.3} x",
            self.cpu_ratio_vs_hyper, self.p99_ratio_vs_hyper
        )?;
        if let (Some(cpu), Some(p99)) = (self.cpu_ratio_vs_nginx, self.p99_ratio_vs_nginx) {
            write!(f, "; CPU {cpu:.3} x nginx, p99 {p99:.3} x")?;
        }
        Ok(())
    }
}

impl Tally {
    fn add(&mut self, is_whence: bool, answers: u64, errors: u64) {
        if is_whence {
            self.redirects += answers;
        }
        self.errors += errors;
    }

    /// Adds what another cell came to.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            redirects: self.redirects + other.redirects,
            errors: self.errors + other.errors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;

    #[test]
    fn everybody_is_first_once() {
        let turns: Vec<Vec<_>> = (0..3).map(|round| in_turn(round, 3).collect()).collect();
        assert_eq!(turns, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    }

    #[test]
    fn rounds_are_compared_with_their_own_neighbours() {
        let rush = |user| Rush {
            answers: 1_000_000,
            answers_in_all: 1_000_000,
            errors: 0,
            seconds: 1.0,
            cpu: Cpu { user, system: 1.0 },
            load_cpu: Cpu::default(),
        };
        let seen = |users: [f64; 3]| Seen {
            rushes: users.into_iter().map(rush).collect(),
            waits: Slices::default(),
        };
        // The machine was slow in the middle round, for both.
        let (own, other) = (seen([2.0, 8.0, 2.0]), seen([1.0, 5.0, 1.0]));
        assert_eq!(own.cpu_ratios(&other).collect::<Vec<_>>(), [1.5, 1.5, 1.5]);
    }
}
