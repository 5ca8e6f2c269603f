//! An engine, an installation's folder, and the command.

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use whence_core::config;
use whence_core::test_support::Engine;

/// The key of the installation.
pub(crate) const KEY: &str = "000102030405060708090a0b0c0d0e0f";

/// An installation that nobody serves.
pub(crate) struct Home {
    pub(crate) engine: Engine,
    config: config::ClickHouse,
    pub(crate) dir: TempDir,
}

impl Home {
    pub(crate) async fn new() -> Self {
        let engine = Engine::migrated().await;
        Self {
            config: engine.config(),
            engine,
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    pub(crate) fn command(&self, command: &[&str], args: &[&str]) -> Command {
        let mut whence = Command::new(env!("CARGO_BIN_EXE_whence"));
        whence
            .args(command)
            .args(["--set", &format!("clickhouse.url={}", self.config.url)])
            .args(["--set", &format!("data_dir={}", self.path("data"))])
            .args(args)
            .env("WHENCE_CLICKHOUSE__PASSWORD", self.config.password.expose())
            .env("WHENCE_CLICK_ID_KEY", KEY)
            // Not where somebody keeps a configuration or secrets.
            .current_dir(self.dir.path())
            .stdin(std::process::Stdio::null());
        whence
    }

    pub(crate) fn run(&self, command: &[&str], args: &[&str]) -> Output {
        self.command(command, args).output().unwrap()
    }

    /// Whether an audit finds everything in order.
    pub(crate) fn audit(&self) -> bool {
        self.run(&["audit"], &[]).status.success()
    }

    pub(crate) async fn execute(&self, statement: &str) {
        let done = self.engine.client().query(statement).execute().await;
        done.unwrap_or_else(|error| panic!("{error}: {statement}"));
    }

    /// What each of the questions answers, as text.
    pub(crate) async fn dump(&self, questions: &[&str]) -> Vec<String> {
        let mut answers = Vec::new();
        for question in questions {
            let query = self.engine.client().query(question);
            let mut bytes = query.fetch_bytes("JSONEachRow").unwrap();
            let answer = bytes.collect().await;
            let answer = answer.unwrap_or_else(|error| panic!("{error}: {question}"));
            answers.push(String::from_utf8(answer.to_vec()).unwrap());
        }
        answers
    }

    pub(crate) async fn count(&self, question: &str) -> u64 {
        let count = self.engine.client().query(question).fetch_one().await;
        count.unwrap_or_else(|error| panic!("{error}: {question}"))
    }
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

pub(crate) fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}
