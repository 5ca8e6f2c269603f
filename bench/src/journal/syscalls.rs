//! Counts the system calls of an append: a child appends under `strace`, which without `-f` follows only the
//! thread that appends. Two runs, one with twice the records: their difference is the appends', without what
//! starting and opening took.

use std::path::Path;
use std::process::Command;

use crate::binary;

/// The shorter run; the longer one goes through several segments.
const RECORDS: u64 = 300_000;

/// System calls of one append, or why they cannot be counted here.
pub(super) fn per_append(dir: &Path, bytes: u32, rate: u32) -> Result<f64, String> {
    let once = count(dir, RECORDS, bytes, rate)?;
    let twice = count(dir, 2 * RECORDS, bytes, rate)?;
    eprintln!(
        "system calls: {once} for {RECORDS} appends, {twice} for {}",
        2 * RECORDS
    );
    // Starting may take a call more or less from run to run.
    Ok(twice.saturating_sub(once) as f64 / RECORDS as f64)
}

fn count(dir: &Path, records: u64, bytes: u32, rate: u32) -> Result<u64, String> {
    let summary = dir.join("strace");
    let lane = dir.join("counted");
    let own = binary::own().map_err(|error| error.to_string())?;
    let run = Command::new("strace")
        // Pacing asks the clock, which is a system call on machines whose clock the kernel must read.
        .args(["-c", "-e", "trace=!clock_gettime", "-o"])
        .arg(&summary)
        .arg("--")
        .arg(own)
        .arg("journal-appends")
        .args([
            "--records",
            &records.to_string(),
            "--bytes",
            &bytes.to_string(),
        ])
        .args(["--rate", &rate.to_string(), "--lane"])
        .arg(&lane)
        .output()
        .map_err(|error| format!("strace cannot be run: {error}"))?;
    // The next run starts with a new lane, whatever became of this one.
    let _ = std::fs::remove_dir_all(&lane);
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr);
        return Err(format!("strace: {}: {}", run.status, said.trim()));
    }
    let summary =
        std::fs::read_to_string(&summary).map_err(|error| format!("strace's summary: {error}"))?;
    total(&summary).ok_or_else(|| format!("strace's summary has no total: {summary:?}"))
}

/// The calls in the last line: `100.00  0.001234  5  234  12 total`, where errors may be left out.
fn total(summary: &str) -> Option<u64> {
    let line = summary.lines().rfind(|line| line.ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found_with_and_without_errors() {
        let head = "% time     seconds  usecs/call     calls    errors syscall\n\
                    ------ ----------- ----------- --------- --------- ----------------\n\
                     31.46    0.000151           7        20           mmap\n\
                    ------ ----------- ----------- --------- --------- ----------------\n";
        assert_eq!(
            total(&format!(
                "{head}100.00    0.000480           5        95         3 total\n"
            )),
            Some(95)
        );
        assert_eq!(
            total(&format!(
                "{head}100.00    0.000480           5        92           total\n"
            )),
            Some(92)
        );
        assert_eq!(total(head), None);
        assert_eq!(total(""), None);
    }
}
