//! A server that a bench starts: on free ports, ready before it is used, stopped when it is dropped.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hyper::StatusCode;
use rustix::process::{Pid, Signal, kill_process};

use crate::http;

/// What a start may take on a machine that is busy with other things: engine, migrations and all.
const START: Duration = Duration::from_secs(60);
/// What a server gets to drain before it is killed.
const STOP: Duration = Duration::from_secs(20);

/// A started server.
pub(crate) struct Server {
    name: &'static str,
    child: Child,
}

/// CPU time that a process has used, of all its threads.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    /// In its own code, in seconds.
    pub(crate) user: f64,
    /// In the kernel for it, in seconds.
    pub(crate) system: f64,
}

impl Server {
    /// Starts `command`, without whatever `WHENCE_*` configuration the caller lives with.
    pub(crate) fn start(name: &'static str, mut command: Command) -> Result<Self> {
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("WHENCE_") {
                command.env_remove(variable);
            }
        }
        // Standard output is for the bench's result alone; what matters is logged to standard error.
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self { name, child })
    }

    /// Waits until `GET url` is answered with this status.
    pub(crate) async fn until(&mut self, url: &str, status: StatusCode) -> Result<()> {
        let start = Instant::now();
        let client = http::client();
        while !http::get(&client, url)
            .await
            .is_ok_and(|answer| answer.status == status)
        {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended before it was ready: {status}", self.name);
            }
            if start.elapsed() > START {
                bail!("{} was not ready within {} s", self.name, START.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// What it has used until now. The kernel counts in ticks of 10 ms.
    pub(crate) fn cpu(&self) -> Result<Cpu> {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        parse_stat(&stat).with_context(|| format!("{path} is not as proc(5) says: {stat:?}"))
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let start = Instant::now();
        while start.elapsed() < STOP {
            if let Some(status) = self.child.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                bail!("{} stopped with {status}", self.name);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("{} did not stop within {} s", self.name, STOP.as_secs())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Neither can fail for a child that was not waited for; one that was is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Cpu {
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
}

/// An address on this machine where nobody listens now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}

/// Fields 14 and 15 of `/proc/<pid>/stat`, counted behind the name, which may hold anything.
fn parse_stat(stat: &str) -> Option<Cpu> {
    /// `sysconf(_SC_CLK_TCK)`: 100 on every architecture that Linux still runs on in earnest.
    const TICKS: f64 = 100.0;
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
    fn a_process_that_works_uses_cpu_time() {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let before = parse_stat(&stat).unwrap().total();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(300) {
            std::hint::spin_loop();
        }
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        assert!(parse_stat(&stat).unwrap().total() > before);
    }
}
