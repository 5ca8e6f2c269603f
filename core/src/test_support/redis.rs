//! Real redis-servers: one, one with whatever options a test needs, a cluster, one behind Sentinels.

mod cluster;
mod sentinels;

pub use cluster::RedisCluster;
pub use sentinels::RedisSentinels;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::Killed;

/// A start takes some 10 ms; this is for a machine that is busy with other tests.
const START: Duration = Duration::from_secs(10);
/// Somebody may take the free port between finding it and starting on it.
const PORTS_TRIED: usize = 5;

/// A redis-server that keeps nothing on disk.
#[derive(Debug)]
pub struct RedisServer {
    /// The running server, which ends before its folder goes; none while it is killed.
    child: Option<Killed>,
    /// Its port on 127.0.0.1, kept over a restart.
    port: u16,
    /// What a client has to present, where one is asked for.
    password: Option<String>,
    /// What stands before its own options on the command line: a configuration file and a mode.
    mode: Vec<String>,
    /// Further options.
    options: Vec<String>,
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
        Self::start_with(&[])
    }

    /// Starts a server that asks for a password.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    #[must_use]
    pub fn start_with_password(password: &str) -> Self {
        let mut server = Self::start_with(&["--requirepass", password]);
        server.password = Some(password.to_owned());
        server
    }

    /// Starts a server with options of its own.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    #[must_use]
    pub fn start_with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory can be made");
        Self::start_in(folder, |_| Vec::new(), options)
    }

    /// Starts a server in a folder and in the mode that its path asks for.
    fn start_in(folder: TempDir, mode: impl Fn(&Path) -> Vec<String>, options: &[&str]) -> Self {
        let mut server = Self {
            child: None,
            port: 0,
            password: None,
            mode: mode(folder.path()),
            options: options.iter().map(|&option| option.to_owned()).collect(),
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

    /// Whether it runs, be it that it hangs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Kills it as a crash of the machine does; what it held is gone.
    pub fn kill(&mut self) {
        self.child = None;
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

    /// The lines of its answer to an inline command, as they come; none where it does not answer.
    pub fn say(&self, command: &str) -> Vec<String> {
        say(self.port, command).unwrap_or_default()
    }

    /// Starts it on its port and waits for its first answer; false where it ended instead.
    fn launch(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        command
            .args(&self.mode)
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--daemonize", "no", "--dir"])
            .arg(self.folder.path())
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        if self.mode.is_empty() {
            command.args(["--save", "", "--appendonly", "no"]);
        }
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("this test needs a real redis-server ({error}): apt-get install redis-server")
        });
        let mut child = Killed(child);
        let started = Instant::now();
        while !answers(self.port) {
            if child
                .try_wait()
                .expect("a child can be asked for its end")
                .is_some()
            {
                return false;
            }
            assert!(
                started.elapsed() <= START,
                "redis-server did not answer on port {} within {START:?}",
                self.port
            );
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

/// A port that nobody listens on now.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}

/// Waits until something holds.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < 2 * START, "never: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// Waits until no primary among these has told its replicas less than it was told.
fn wait_until_replicated(servers: &[RedisServer]) {
    for server in servers {
        until("the replicas have everything", || {
            let lines = server.say("INFO replication");
            let field = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
            if field("role:") != Some("master") {
                return true;
            }
            let offset = field("master_repl_offset:").map(|offset| format!("offset={offset},"));
            let mut replicas = lines.iter().filter(|line| line.contains("state=online"));
            offset.is_some_and(|offset| replicas.all(|replica| replica.contains(&offset)))
        });
    }
}

/// Whether a Redis on this port answers, be it only that it wants a password.
fn answers(port: u16) -> bool {
    let answer = say(port, "PING").unwrap_or_default();
    answer
        .first()
        .is_some_and(|line| line == "+PONG" || line.starts_with("-NOAUTH"))
}

/// Says something to a Redis in the words of its inline protocol.
fn say(port: u16, command: &str) -> std::io::Result<Vec<String>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    // It closes once it has answered; a Sentinel knows no QUIT.
    stream.shutdown(Shutdown::Write)?;
    let mut text = Vec::new();
    BufReader::new(stream).read_to_end(&mut text)?;
    text.lines().collect()
}
