//! How far a file has come: a bar on a terminal, and a line now and then elsewhere.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

/// What is shown on standard error while a file is on its way.
pub(crate) struct Progress {
    bar: ProgressBar,
    is_terminal: bool,
    verb: &'static str,
    things: &'static str,
}

impl Progress {
    /// Begins; `bytes` where it is known how many there are.
    pub(crate) fn begin(verb: &'static str, things: &'static str, bytes: Option<u64>) -> Self {
        let is_terminal = stderr().is_terminal();
        let bar = match (is_terminal, bytes) {
            (false, _) => ProgressBar::hidden(),
            (true, Some(bytes)) => ProgressBar::new(bytes).with_style(style(
                "{bar:30} {bytes}/{total_bytes} ({binary_bytes_per_sec}, {eta} to go) {msg}",
            )),
            (true, None) => ProgressBar::no_length()
                .with_style(style("{spinner} {bytes} ({binary_bytes_per_sec}) {msg}")),
        };
        Self {
            bar,
            is_terminal,
            verb,
            things,
        }
    }

    /// So many bytes and things are done.
    pub(crate) fn at(&self, bytes: u64, count: u64) {
        self.bar.set_position(bytes);
        self.bar.set_message(format!("{count} {}", self.things));
    }

    /// As [`at`](Self::at), where it is worth a line of its own.
    pub(crate) fn milestone(&self, bytes: u64, count: u64) {
        self.at(bytes, count);
        if !self.is_terminal {
            eprintln!("{} {count} {} …", self.verb, self.things);
        }
    }

    /// Says something without tearing the bar apart.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    /// Takes the bar away.
    pub(crate) fn end(self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above can be read")
}
