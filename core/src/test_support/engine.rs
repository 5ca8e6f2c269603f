//! A real ClickHouse engine for tests: the program `whence clickhouse` in a child process.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::Killed;
use crate::clickhouse::{client, migrate};
use crate::config;
use crate::secret::Secret;

/// The password of every engine that a test starts.
const PASSWORD: &str = "only for a test";

/// An engine with a database of its own; killed when it is dropped, and when the test is.
#[derive(Debug)]
pub struct Engine {
    /// The running engine, which ends before its folder goes; none while it is killed.
    child: Option<Killed>,
    /// Its address, kept over a restart.
    address: SocketAddr,
    /// Where its data is.
    folder: TempDir,
}

impl Engine {
    /// Starts an engine on a free port, empty.
    ///
    /// # Panics
    /// Where the program cannot be built or does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut engine = Self {
            child: None,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            folder: tempfile::tempdir().expect("a temporary directory can be made"),
        };
        engine.launch();
        engine
    }

    /// Starts an engine and applies every migration.
    ///
    /// # Panics
    /// As [`Engine::start`], and where a migration fails.
    pub async fn migrated() -> Self {
        let engine = Self::start();
        let applied = migrate(&engine.client(), &engine.config().database).await;
        applied.expect("every migration can be applied to an empty database");
        engine
    }

    /// The configuration of a service that uses it.
    #[must_use]
    pub fn config(&self) -> config::ClickHouse {
        config::ClickHouse {
            url: format!("http://{}", self.address),
            password: Secret::new(PASSWORD),
            ..config::ClickHouse::default()
        }
    }

    /// A client with that configuration.
    #[must_use]
    pub fn client(&self) -> ::clickhouse::Client {
        client(&self.config())
    }

    /// Kills it as `kill -9` does.
    pub fn kill(&mut self) {
        self.child = None;
    }

    /// Stops it as `kill -STOP` does: what was sent to it waits.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`Engine::pause`].
    ///
    /// # Panics
    /// Where it does not run.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).expect("it was not waited for yet");
    }

    /// Starts it again on the same port and with the same data.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start_again(&mut self) {
        self.kill();
        self.launch();
    }

    fn launch(&mut self) {
        let program = program();
        let child = Command::new(&program)
            .args(["clickhouse", "--exit-with-parent", "--path"])
            .arg(self.folder.path().join("clickhouse"))
            .args(["--listen", &self.address.to_string()])
            .env("WHENCE_CLICKHOUSE__PASSWORD", PASSWORD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut child = Killed(child);
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it was asked for");
        // An error, like an end without a line, is told below.
        let _ = BufReader::new(stdout).read_line(&mut line);
        self.child = Some(child);
        let address = line.trim().strip_prefix("listening on http://");
        self.address = address
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("the engine did not start; it said {line:?}"));
    }
}

/// The program, beside the test's own; built where a test of another crate is the first to need it.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a process has a program");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("tests lie in target/<profile>/deps");
    let program = folder.join("whence");
    if !program.exists() {
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(profile) => profile,
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args([
                "build",
                "--package",
                "whence-embedded",
                "--bin",
                "whence",
                "--profile",
                profile,
            ])
            .status();
        assert!(
            built.is_ok_and(|status| status.success()),
            "whence-embedded could not be built"
        );
    }
    program
}
