//! Which cores the servers run on and which the load, so that neither waits for the other to be done with one.
//!
//! Where both share their cores, the kernel's scheduler decides who waits, for milliseconds at a time, and latency is
//! what it decided.

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Some of the machine's cores.
#[derive(Clone, Copy)]
pub(crate) struct Cores(CpuSet);

impl Cores {
    /// Those that this process may run on.
    pub(crate) fn all() -> Result<Self> {
        let all = sched_getaffinity(None).context("the cores of this process")?;
        Ok(Self(all))
    }

    /// Half of them for the servers, half for the load; all for both where there is only one.
    pub(crate) fn halves(self) -> (Self, Self) {
        if self.count() < 2 {
            return (self, self);
        }
        let middle = self.count() / 2;
        let mut halves = [CpuSet::new(), CpuSet::new()];
        let mine = (0..CpuSet::MAX_CPU).filter(|&core| self.0.is_set(core));
        mine.enumerate()
            .for_each(|(place, core)| halves[usize::from(place >= middle)].set(core));
        (Self(halves[0]), Self(halves[1]))
    }

    /// How many they are.
    pub(crate) fn count(self) -> usize {
        self.0.count() as usize
    }

    /// From now on this thread runs on them only, and so do threads and processes that it starts.
    pub(crate) fn keep_to(self) -> Result<()> {
        sched_setaffinity(None, &self.0).context("cannot keep to some of the cores")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(numbers: &[usize]) -> Cores {
        let mut set = CpuSet::new();
        numbers.iter().for_each(|&number| set.set(number));
        Cores(set)
    }

    #[test]
    fn nobody_shares_a_core_where_there_are_two() {
        let (servers, load) = cores(&[1, 4, 6]).halves();
        assert!(servers.0 == cores(&[1]).0 && load.0 == cores(&[4, 6]).0);
        let (servers, load) = cores(&[3]).halves();
        assert!(servers.0 == cores(&[3]).0 && load.0 == cores(&[3]).0);
    }

    #[test]
    fn a_thread_keeps_to_what_it_was_given() {
        let all = Cores::all().unwrap();
        let (servers, _) = all.halves();
        let kept = std::thread::spawn(move || {
            servers.keep_to().unwrap();
            Cores::all().unwrap().count()
        });
        assert_eq!(kept.join().unwrap(), servers.count());
        assert_eq!(Cores::all().unwrap().count(), all.count());
    }
}
