//! One real process: started, killed, started again, and never left behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A process and how to start it.
pub(crate) struct Process {
    pub(crate) name: &'static str,
    program: PathBuf,
    args: Vec<String>,
    environment: Vec<(&'static str, String)>,
    dir: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    pub(crate) fn new(
        name: &'static str,
        program: impl Into<PathBuf>,
        args: &[String],
        dir: &Path,
    ) -> Self {
        Self {
            name,
            program: program.into(),
            args: args.to_vec(),
            environment: Vec::new(),
            dir: dir.to_owned(),
            log: dir.join(format!("{name}.log")),
            child: None,
        }
    }

    pub(crate) fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.environment.push((variable, value.to_owned()));
        self
    }

    pub(crate) fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        let child = Command::new(&self.program)
            .args(&self.args)
            .current_dir(&self.dir)
            .envs(self.environment.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap_or_else(|error| {
            panic!(
                "{}: {error}; `make test` builds and installs what the tests start",
                self.program.display()
            )
        }));
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("running");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM, and a drain.
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().expect("running");
        signal(child.id(), "TERM");
        let status = wait(&mut child, Duration::from_secs(30));
        assert!(
            status.is_some_and(|status| status.success()),
            "{} ended with {status:?}:\n{}",
            self.name,
            self.log()
        );
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- {} ---\n{}", self.name, self.log());
        }
    }
}

pub(crate) fn signal(id: u32, signal: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), &id.to_string()])
        .status();
    assert!(sent.unwrap().success(), "kill -{signal} {id}");
}

/// The child process of `parent` whose command line holds `word`.
pub(crate) fn child_of(parent: u32, word: &str) -> Option<u32> {
    let children = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name in parentheses may hold anything; the parent is the second field behind it.
        let found: u32 = stat.rsplit(") ").next()?.split(' ').nth(1)?.parse().ok()?;
        (found == parent).then_some(id)
    });
    children.into_iter().find(|id| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line)
            .split('\0')
            .any(|argument| argument == word)
    })
}

fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < patience {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}
