//! One round's figures.

use std::fmt;

use crate::server::Cpu;

/// What one server did under load.
#[derive(Clone, Copy)]
pub(super) struct Side {
    /// Answers with status 302 while the clocks ran.
    pub(super) answers: u64,
    /// Those before and after included.
    pub(super) answers_in_all: u64,
    /// Whatever else happened, at any time.
    pub(super) errors: u64,
    /// How long the load lasted, in seconds.
    pub(super) seconds: f64,
    /// What the server used meanwhile.
    pub(super) cpu: Cpu,
}

impl Side {
    /// CPU microseconds an answer.
    pub(super) fn cpu_us(&self) -> f64 {
        self.cpu.total() * 1e6 / self.answers as f64
    }

    /// Those of them that were spent outside the kernel.
    pub(super) fn user_us(&self) -> f64 {
        self.cpu.user * 1e6 / self.answers as f64
    }

    /// Answers a second.
    pub(super) fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }
}

/// Both servers, one after the other.
pub(super) struct Round {
    /// The redirector.
    pub(super) whence: Side,
    /// The bare server.
    pub(super) hyper: Side,
}

impl Round {
    /// How many times the bare server's CPU time an answer of the redirector takes.
    pub(super) fn ratio(&self) -> f64 {
        self.whence.cpu_us() / self.hyper.cpu_us()
    }

    /// Errors of both.
    pub(super) fn errors(&self) -> u64 {
        self.whence.errors + self.hyper.errors
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, side) in [("whence", &self.whence), ("bare hyper", &self.hyper)] {
            write!(
                f,
                "{name} {:.2} us, {:.0} a second; ",
                side.cpu_us(),
                side.rate()
            )?;
        }
        write!(f, "ratio {:.3}, {} errors", self.ratio(), self.errors())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_divided_right() {
        let side = |user, system| Side {
            answers: 200_000,
            answers_in_all: 250_000,
            errors: 1,
            seconds: 4.0,
            cpu: Cpu { user, system },
        };
        let round = Round {
            whence: side(1.0, 2.0),
            hyper: side(0.5, 1.5),
        };
        assert_eq!(round.whence.cpu_us(), 15.0);
        assert_eq!(round.whence.user_us(), 5.0);
        assert_eq!(round.whence.rate(), 50_000.0);
        assert_eq!(round.ratio(), 1.5);
        assert_eq!(round.errors(), 2);
    }
}
