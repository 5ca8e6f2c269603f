//! What the tests of several crates need: a real redis-server and a real ClickHouse engine, started on a
//! free port and stopped when they are dropped, a small HTTP client and a small database of places.
//!
//! Behind the feature `test-support`, so that it is in no binary that is shipped. What only one test
//! needs does not belong here.

mod engine;
pub mod http;
mod places;

pub use engine::Engine;
pub use places::place_database;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A start takes some 10 ms; this is for a machine that is busy with other tests.
const START: Duration = Duration::from_secs(10);
/// Somebody may take the free port between finding it and starting on it.
const PORTS_TRIED: usize = 5;

/// A redis-server that keeps nothing on disk.
#[derive(Debug)]
pub struct RedisServer {
    /// The running server; none while it is killed.
    child: Option<Child>,
    /// Its port on 127.0.0.1, kept over a restart.
    port: u16,
    /// What a client has to present, where one is asked for.
    password: Option<String>,
    /// Its working directory.
    folder: TempDir,
}

impl RedisServer {
    /// Starts a server that lets everybody in.
    ///
    /// # Panics
    /// Where there is no redis-server on this machine, or it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_on_a_free_port(None)
    }

    /// Starts a server that asks for a password.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    #[must_use]
    pub fn start_with_password(password: &str) -> Self {
        Self::start_on_a_free_port(Some(password.to_owned()))
    }

    /// `redis://…`, with the password where there is one, which must need no escaping.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{}", self.port),
            None => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it as a crash of the machine does; what it held is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Neither can fail for a child that was not waited for yet.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same port, empty.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start_again(&mut self) {
        self.kill();
        assert!(
            self.launch(),
            "redis-server did not start again on port {}",
            self.port
        );
    }

    /// Stops it with SIGSTOP: it answers nothing and closes nothing.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn hang(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a stopped one go on.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn start_on_a_free_port(password: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        let mut server = Self {
            child: None,
            port: 0,
            password,
            folder,
        };
        for _ in 0..PORTS_TRIED {
            server.port = free_port();
            if server.launch() {
                return server;
            }
        }
        panic!("redis-server did not start on any of {PORTS_TRIED} free ports");
    }

    /// Starts it on its port and waits for its first answer; false where it ended instead.
    fn launch(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args([
                "--save",
                "",
                "--appendonly",
                "no",
                "--daemonize",
                "no",
                "--dir",
            ])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        if let Some(password) = &self.password {
            command.args(["--requirepass", password]);
        }
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("this test needs a real redis-server ({error}): apt-get install redis-server")
        });
        let started = Instant::now();
        while !answers(self.port) {
            if child
                .try_wait()
                .expect("a child can be asked for its end")
                .is_some()
            {
                return false;
            }
            if started.elapsed() > START {
                let _ = child.kill();
                let _ = child.wait();
                panic!(
                    "redis-server did not answer on port {} within {START:?}",
                    self.port
                );
            }
            sleep(Duration::from_millis(2));
        }
        // Another server may have taken the port and given the answer: then this one has ended.
        let ours = child
            .try_wait()
            .expect("a child can be asked for its end")
            .is_none();
        self.child = ours.then_some(child);
        ours
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("the server runs");
        kill_process(Pid::from_child(child), signal).expect("a child can be sent a signal");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}

/// Whether a Redis on this port answers, be it only that it wants a password.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"+PONG" || &answer == b"-NOAU")
    };
    ask().unwrap_or(false)
}
