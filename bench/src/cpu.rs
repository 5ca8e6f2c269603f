//! CPU time, as the kernel counts it for a process and for those that it has started.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// In a second. `sysconf(_SC_CLK_TCK)`: 100 on every architecture that Linux still runs on in earnest.
const TICKS: f64 = 100.0;

/// CPU time that has been used, by all threads.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cpu {
    /// In its own code, in seconds.
    pub(crate) user: f64,
    /// In the kernel for it, in seconds.
    pub(crate) system: f64,
}

impl Cpu {
    /// What a process and its running children have used until now: nginx works in children. The kernel counts
    /// in ticks of 10 ms.
    pub(crate) fn of_family(process: u32) -> Result<Self> {
        let path = PathBuf::from(format!("/proc/{process}/task/{process}/children"));
        let children =
            std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        children
            .split_whitespace()
            .try_fold(Self::of(&process.to_string())?, |sum, child| {
                Ok(sum.and(Self::of(child)?))
            })
    }

    /// What this process has used until now.
    pub(crate) fn own() -> Result<Self> {
        Self::of("self")
    }

    /// What was used since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            user: self.user - earlier.user,
            system: self.system - earlier.system,
        }
    }

    /// Both together, in seconds.
    pub(crate) fn total(self) -> f64 {
        self.user + self.system
    }

    fn and(self, other: Self) -> Self {
        Self {
            user: self.user + other.user,
            system: self.system + other.system,
        }
    }

    fn of(process: &str) -> Result<Self> {
        let path = format!("/proc/{process}/stat");
        let stat = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        parse_stat(&stat).with_context(|| format!("{path} is not as proc(5) says: {stat:?}"))
    }
}

/// What the host of this virtual machine has taken from its cores until now, all together, in seconds.
pub(crate) fn stolen() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/stat").context("/proc/stat")?;
    let ticks = parse_stolen(&stat);
    Ok(ticks.with_context(|| format!("/proc/stat is not as proc(5) says: {stat:?}"))? / TICKS)
}

/// The eighth number behind `cpu`, the line about all of them.
fn parse_stolen(stat: &str) -> Option<f64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    line.split_whitespace().nth(7)?.parse().ok()
}

/// Fields 14 and 15 of `/proc/<pid>/stat`, counted behind the name, which may hold anything.
fn parse_stat(stat: &str) -> Option<Cpu> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut seconds = || Some(fields.next()?.parse::<f64>().ok()? / TICKS);
    Some(Cpu {
        user: seconds()?,
        system: seconds()?,
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_name() {
        let stat =
            "4242 (a) R 1 (b) S 1 4242 4242 0 -1 4194560 1161 0 0 0 250 75 0 0 20 0 3 0 100 1 1";
        let cpu = parse_stat(stat).unwrap();
        assert_eq!((cpu.user, cpu.system), (2.5, 0.75));
        assert!(parse_stat("nonsense").is_none());
    }

    #[test]
    fn what_the_host_took_is_found() {
        let stat = "cpu  2478410 190518 474828 1261404 12763 0 97686 10100 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n";
        assert_eq!(parse_stolen(stat), Some(10_100.0));
        assert!(parse_stolen("intr 1 2 3").is_none());
        assert!(stolen().unwrap() >= 0.0);
    }

    #[test]
    fn a_process_that_works_uses_cpu_time() {
        let before = Cpu::own().unwrap().total();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(300) {
            std::hint::spin_loop();
        }
        assert!(Cpu::own().unwrap().total() > before);
    }

    #[test]
    fn what_a_child_uses_counts_for_its_parent() {
        // The outer shell only waits.
        let mut parent = Command::new("sh")
            .args(["-c", "sh -c 'while :; do :; done' & echo $!; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(500));
        let used = Cpu::of_family(parent.id()).map(Cpu::total);
        let children = format!("/proc/{0}/task/{0}/children", parent.id());
        let child = std::fs::read_to_string(children).unwrap();
        let child = rustix::process::Pid::from_raw(child.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
        parent.wait().unwrap();
        assert!(used.unwrap() > 0.05);
    }
}
