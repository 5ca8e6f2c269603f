//! A server that a bench starts: on free ports, ready before it is used, stopped when it is dropped.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hyper::StatusCode;
use rustix::process::{Pid, Signal, kill_process};

use crate::cpu::Cpu;
use crate::http;

/// What a start may take on a machine that is busy with other things: engine, migrations and all.
const START: Duration = Duration::from_secs(60);
/// What a server gets to drain before it is killed.
const STOP: Duration = Duration::from_secs(20);
/// The same where a bench has failed, and nobody wants to know how it ends.
const STOP_SOON: Duration = Duration::from_secs(3);

/// A started server.
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    started: Instant,
}

impl Server {
    /// Starts `command`, without whatever `WHENCE_*` configuration the caller lives with.
    pub(crate) fn start(name: &'static str, mut command: Command) -> Result<Self> {
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("WHENCE_") {
                command.env_remove(variable);
            }
        }
        let started = Instant::now();
        // Standard output is for the bench's result alone; what matters is logged to standard error.
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self {
            name,
            child,
            started,
        })
    }

    /// Waits until `GET url` is answered with this status.
    pub(crate) async fn until(&mut self, url: &str, status: StatusCode) -> Result<()> {
        let client = http::client();
        let is_there = async || {
            http::get(&client, url)
                .await
                .is_ok_and(|answer| answer.status == status)
        };
        self.until_true(is_there).await
    }

    /// Waits until `is_there` says so.
    pub(crate) async fn until_true(&mut self, is_there: impl AsyncFn() -> bool) -> Result<()> {
        while !is_there().await {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended before it was ready: {status}", self.name);
            }
            if self.started.elapsed() > START {
                bail!("{} was not ready within {} s", self.name, START.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// What is said of it to people.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// When it was started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// What it has used until now, its children included.
    pub(crate) fn cpu(&self) -> Result<Cpu> {
        Cpu::of_family(self.child.id())
    }

    /// The memory that is its own now, in bytes: not the files that it has mapped.
    pub(crate) fn own_memory(&self) -> Result<u64> {
        memory_of(self.id(), OWN_MEMORY)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).with_context(|| format!("{} gets no signal", self.name))
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        match self.end(STOP)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("{} stopped with {status}", self.name),
            None => bail!("{} did not stop within {} s", self.name, STOP.as_secs()),
        }
    }

    fn end(&mut self, patience: Duration) -> Result<Option<std::process::ExitStatus>> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(Some(status));
        }
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let start = Instant::now();
        while start.elapsed() < patience {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(None)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked first, because one that is killed leaves its children behind.
        if !matches!(self.end(STOP_SOON), Ok(Some(_))) {
            // Neither can fail for a child that was not waited for.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// An address on this machine where nobody listens now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}

/// What [`memory_of`] calls memory that is a process's own: not the files that it has mapped.
pub(crate) const OWN_MEMORY: &str = "RssAnon:";
/// What it calls all of it.
pub(crate) const RESIDENT_MEMORY: &str = "VmRSS:";

/// What a process holds now, in bytes.
pub(crate) fn memory_of(process: u32, kind: &str) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    parse_memory(&status, kind).with_context(|| format!("{path} has no {kind}"))
}

/// A figure of `/proc/<pid>/status` that is said in KiB, in bytes.
fn parse_memory(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_memory_grows_with_what_is_held() {
        let status = || std::fs::read_to_string("/proc/self/status").unwrap();
        let own = || parse_memory(&status(), OWN_MEMORY);
        let before = own().unwrap();
        let held = std::hint::black_box(vec![1_u8; 32 << 20]);
        assert!(own().unwrap() >= before + (30 << 20));
        drop(held);
        assert_eq!(parse_memory("VmRSS:\t  12 kB\n", OWN_MEMORY), None);
    }
}
