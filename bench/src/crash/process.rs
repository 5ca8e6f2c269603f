//! One process of the installation: started, killed, held still, told to stop, and watched meanwhile.
//!
//! Which processes there are and what they are started with, `fleet` knows.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use super::clock;

/// Between two looks at a process that is to end.
const LOOK: Duration = Duration::from_millis(20);

/// How to start a process.
pub(super) struct Recipe {
    /// Its name in logs.
    pub(super) name: String,
    /// The program.
    pub(super) program: PathBuf,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// What is added to its environment.
    pub(super) environment: Vec<(String, String)>,
    /// Where what it writes is kept, from one start to the next.
    pub(super) log: PathBuf,
}

/// A process that may or may not run now. Killed when it is dropped.
pub(super) struct Process {
    /// How it is started.
    recipe: Recipe,
    /// The process, while it is meant to run.
    child: Option<Child>,
}

impl Process {
    /// A process that does not run yet.
    pub(super) fn new(recipe: Recipe) -> Self {
        Self {
            recipe,
            child: None,
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.recipe.name
    }

    /// What it has written until now.
    pub(super) fn log(&self) -> String {
        let bytes = std::fs::read(&self.recipe.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Starts it, unless it runs.
    pub(super) fn start(&mut self) -> Result<()> {
        if self.child.is_some() {
            return Ok(());
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.recipe.log)
            .with_context(|| self.recipe.log.display().to_string())?;
        let mut command = Command::new(&self.recipe.program);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("WHENCE_") {
                command.env_remove(variable);
            }
        }
        let child = command
            .args(&self.recipe.args)
            .envs(self.recipe.environment.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.recipe.program.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// `kill -9`; false where it did not run.
    pub(super) fn kill(&mut self) -> Result<bool> {
        let Some(mut child) = self.child.take() else {
            return Ok(false);
        };
        child.kill()?;
        child.wait()?;
        clock::tidy(child.id());
        Ok(true)
    }

    /// SIGSTOP, and SIGCONT where `held` is false.
    pub(super) fn hold(&self, held: bool) -> Result<()> {
        if let Some(child) = &self.child {
            let signal = if held { Signal::STOP } else { Signal::CONT };
            kill_process(Pid::from_child(child), signal)?;
        }
        Ok(())
    }

    /// SIGTERM, and what it ended with; nothing where it had to be killed after `patience`.
    pub(super) async fn stop(&mut self, patience: Duration) -> Result<Option<ExitStatus>> {
        let Some(child) = &mut self.child else {
            return Ok(None);
        };
        kill_process(Pid::from_child(child), Signal::TERM)?;
        let start = Instant::now();
        while start.elapsed() < patience {
            if let Some(status) = child.try_wait()? {
                clock::tidy(child.id());
                self.child = None;
                return Ok(Some(status));
            }
            sleep(LOOK).await;
        }
        self.kill()?;
        Ok(None)
    }

    /// What it ended with, where nobody has told it to.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let Some(child) = &mut self.child else {
            return Ok(None);
        };
        let status = child.try_wait()?;
        if status.is_some() {
            clock::tidy(child.id());
            self.child = None;
        }
        Ok(status)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to be told, and a killed process is one all the same.
        let _ = self.kill();
    }
}
