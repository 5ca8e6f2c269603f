//! Counts instructions: a server runs under valgrind's callgrind, which counts every one outside the kernel.
//!
//! Slow, and the same again and again: what a busy machine does to times it does not do to counts.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// Whether there is a valgrind to run something under.
pub(crate) fn is_installed() -> bool {
    let asked = Command::new("valgrind").arg("--version").output();
    asked.is_ok_and(|output| output.status.success())
}

/// The command for a program, counted into this file where there is one.
pub(crate) fn command(program: &Path, counts: Option<&Path>) -> Command {
    match counts {
        None => Command::new(program),
        Some(file) => {
            let mut command = Command::new("valgrind");
            command
                .args(["--quiet", "--tool=callgrind"])
                .arg(format!("--callgrind-out-file={}", file.display()))
                .arg(program);
            command
        }
    }
}

/// What was counted into a file by a program that has ended.
pub(crate) fn counted(file: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    parse(&text).with_context(|| format!("{} has no totals", file.display()))
}

fn parse(text: &str) -> Option<u64> {
    let totals = text
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))?;
    totals.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_found() {
        assert_eq!(
            parse("events: Ir\nfn=(1)\n1 2\n\ntotals: 4711\n"),
            Some(4711)
        );
        assert_eq!(parse("events: Ir\n"), None);
    }
}
