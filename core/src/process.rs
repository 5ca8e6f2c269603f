//! What the `main` of every service has in common: flags, configuration, logging, a runtime, signals
//! and exit codes. What a service does with them is its own.

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use rustix::process::{Resource, getrlimit, setrlimit};
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{self, Config, Sources};
use crate::telemetry;

/// The flags of every service.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// TOML file with the configuration
    #[arg(long, global = true, value_name = "FILE", env = config::FILE_VARIABLE)]
    pub config: Option<PathBuf>,
    /// One key of the configuration, such as redirector.listen=0.0.0.0:80; may be given again
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl Flags {
    /// Reads every layer of the configuration.
    pub fn load(&self) -> Result<Config, Failure> {
        let sources = Sources::of_process(self.config.clone(), self.set.clone());
        let config = sources
            .load()
            .map_err(|error| Failure::Config(error.to_string()))?;
        match config.problems() {
            problems if problems.is_empty() => Ok(config),
            problems => Err(Failure::Config(problems.join("\n       "))),
        }
    }
}

/// Why a process ends before it was told to.
#[derive(Debug, Error)]
pub enum Failure {
    /// The configuration cannot be used; nothing was started.
    #[error("{0}")]
    Config(String),
    /// Something outside is not as it must be, or broke.
    #[error("{0}")]
    Runtime(String),
}

impl Failure {
    /// Something outside is not as it must be, or broke.
    pub fn runtime(error: impl ToString) -> Self {
        Self::Runtime(error.to_string())
    }

    /// Says on standard error what is wrong, and gives the exit code for it.
    #[must_use]
    pub fn report(self) -> ExitCode {
        eprintln!("error: {self}");
        ExitCode::from(match self {
            Self::Config(_) => config::EXIT_CODE,
            // EX_SOFTWARE of sysexits.
            Self::Runtime(_) => 70,
        })
    }
}

/// Loads the configuration, starts logging and a runtime, runs `service` in it, and turns its end into
/// an exit code: 0, 64 for a bad configuration, 70 for the rest.
pub fn main<F, Fut>(flags: &Flags, service: F) -> ExitCode
where
    F: FnOnce(Config) -> Fut,
    Fut: Future<Output = Result<(), Failure>>,
{
    let result = flags.load().and_then(|config| {
        telemetry::init(&config.log).map_err(Failure::Config)?;
        raise_open_files();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(Failure::runtime)?;
        runtime.block_on(service(config))
    });
    result.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}

/// How many files and connections this process may hold open from now on: as many as the system lets it, since the
/// usual limit (1024) is there for programs of the last century. None: no limit.
pub fn raise_open_files() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let before = limit.current;
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files stays as it was");
            return before;
        }
    }
    limit.current
}

/// Resolves at the first SIGTERM or Ctrl-C. A second one ends the process at once, for whoever has no
/// patience to drain.
pub async fn shutdown() {
    stop_signal().await;
    tokio::spawn(async {
        stop_signal().await;
        std::process::exit(130);
    });
}

/// The signal to read anew what may change while a process runs (SIGHUP). Each service that listens hears each
/// of them, and decides for itself what that is; what it cannot use leaves everything as it was.
#[derive(Debug)]
pub struct Hangups(Signal);

/// Listens to SIGHUP from now on, which otherwise would end the process.
#[must_use]
pub fn hangups() -> Hangups {
    Hangups(signal(SignalKind::hangup()).expect("SIGHUP can be listened to"))
}

impl Hangups {
    /// Resolves at the next one.
    pub async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // The runtime ends.
            std::future::pending::<()>().await;
        }
    }
}

async fn stop_signal() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be listened to");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be listened to");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_may_be_open_as_the_system_lets() {
        let mut limit = getrlimit(Resource::Nofile);
        if let Some(most) = limit.maximum {
            limit.current = Some(most - 1);
            setrlimit(Resource::Nofile, limit).expect("a limit can be lowered");
        }
        assert_eq!(raise_open_files(), limit.maximum);
        assert_eq!(getrlimit(Resource::Nofile).current, limit.maximum);
    }
}
