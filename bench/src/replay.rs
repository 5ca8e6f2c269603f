//! `replay FILE`: real traffic through a real installation, and the reports held against the log.
//!
//! The way, in the order in which to read it: [`log`] reads lines, [`plan`] makes requests and links of them,
//! [`installation`] is where they go, [`api`] makes the links, [`send`] sends the requests; then [`totals`] says
//! what the reports must say, and [`compare`] whether they do.
//!
//! The links stand on a domain of their own, so that they meet no other link, and carry channels of their own,
//! by which the reports leave out every other click. A report has at most 1,000 keys: [`parts`] deals the links
//! to as many channels as that takes, and [`reports`] adds them up.

mod api;
mod awk;
mod compare;
mod installation;
pub(crate) mod log;
mod parts;
mod plan;
mod reports;
mod send;
mod totals;

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use hyper::Uri;
use jiff::Timestamp;
use serde::Serialize;
use whence_core::secret::Secret;

use crate::median::rounded;
use crate::outcome;
use crate::up;
use api::{Api, MOST_KEYS};
use installation::Installation;
use plan::Plan;
use reports::Reports;
use send::Destination;
use totals::Totals;

/// Send an access log through Whence, and hold the reports against the log.
///
/// FILE is a log in combined format, as Apache and nginx write it. Each distinct path becomes a link on a domain
/// made for this replay, and each line a request with its method, query, user agent, referrer and, as a
/// proxy in front would tell it, address. Then the reports must give the same totals as the log: all together,
/// by path, agent class, referrer host and method. Lines that cannot be requests again are counted and named.
///
/// Without --fresh it uses the installation that `make up` runs, and leaves its links and clicks there. Addresses are
/// believed where redirector.trusted_proxies names this machine; without, all requests count as one client's
/// and the replay waits as its limit asks.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The access log
    file: PathBuf,
    /// Start an installation for this replay alone, and remove it afterwards
    #[arg(long, conflicts_with_all = ["api", "redirector", "key", "data"])]
    fresh: bool,
    /// Links API and reports
    #[arg(long, default_value = "http://127.0.0.1:8082")]
    api: String,
    /// The redirector
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    redirector: String,
    /// An API key; better given as the variable, which other users cannot read
    #[arg(long, env = "BENCH_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The installation's data directory, in which the API key is looked for
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// How many connections send at once
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    connections: u16,
    /// Read at most so many lines; they are all held in memory
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
}

#[derive(Serialize)]
struct Outcome {
    /// Lines of the log.
    lines: u64,
    /// Lines that were sent.
    requests: u64,
    /// Rows that the reports count.
    rows: u64,
    /// Numbers that are not what the log says.
    mismatches: usize,
    /// Lines that cannot be requests again.
    skipped: u64,
    /// Links made.
    links: usize,
    /// Requests answered with anything but a redirect.
    not_redirected: u64,
    /// Times that the redirector said to come again later.
    told_to_wait: u64,
    /// How long sending took.
    seconds: f64,
    /// How long after the last answer the reports showed every click.
    visible_after_ms: u128,
}

/// Runs the bench.
pub(crate) fn run(options: &Options) -> Result<()> {
    let log = File::open(&options.file).with_context(|| options.file.display().to_string())?;
    let plan = Plan::read(BufReader::new(log), options.lines)
        .with_context(|| options.file.display().to_string())?;
    eprintln!(
        "{} lines, {} requests, {} links",
        plan.lines,
        plan.visits.len(),
        plan.slugs().len()
    );
    for (reason, skipped) in &plan.skipped {
        eprintln!(
            "skipped: {} lines, the first is line {}: {reason}",
            skipped.lines, skipped.first
        );
    }
    ensure!(
        !plan.visits.is_empty(),
        "{} holds nothing that can be sent",
        options.file.display()
    );
    tokio::runtime::Runtime::new()?.block_on(async {
        let installation = if options.fresh {
            Installation::fresh().await?
        } else {
            let key = match &options.key {
                Some(key) => Secret::new(key.as_str()),
                None => up::key_in(&options.data)?,
            };
            Installation::running(options.api.clone(), options.redirector.clone(), key)
        };
        let outcome = replay(options, &plan, &installation).await?;
        installation.stop()?;
        eprint!("{}", awk::page(&options.file));
        outcome::print(&outcome);
        ensure!(
            outcome.mismatches == 0,
            "the reports do not say what the log says"
        );
        Ok(())
    })
}

async fn replay(options: &Options, plan: &Plan, installation: &Installation) -> Result<Outcome> {
    let api = Api::new(&installation.api, &installation.key)?;
    let start = Timestamp::now();
    let to = Destination {
        authority: authority(&installation.redirector)?,
        domain: format!("replay-{}.example", start.as_millisecond()),
    };
    let parts = parts::of(&plan.visits, MOST_KEYS);
    let channel = |part| format!("replay-{}-{part}", start.as_millisecond());
    let channels: Vec<_> = (0..parts.len()).map(channel).collect();
    eprintln!("making the links on {}", to.domain);
    api.claim_domain(&to.domain).await?;
    for (slugs, channel) in parts.iter().zip(&channels) {
        for slug in slugs {
            api.make_link(&to.domain, slug, channel).await?;
        }
    }

    eprintln!("sending");
    let sending = Instant::now();
    let answers = send::all(&plan.visits, &to, options.connections.into()).await?;
    let seconds = sending.elapsed().as_secs_f64();
    for (what, count) in &answers.others {
        eprintln!("not redirected: {count} requests: {what}");
    }

    eprintln!("waiting for the reports");
    let reports = Reports::new(&api, &channels, start);
    let visible_after = reports.until_total(plan.visits.len() as u64).await?;
    let mut mismatches = Vec::new();
    let mut rows = 0;
    for Totals { by, counts } in totals::of(&plan.visits) {
        let report = reports.breakdown(by).await?;
        eprintln!("by {by}: {report}");
        mismatches.extend(compare::compare(by, &counts, &report));
        rows = report.total;
    }
    for mismatch in &mismatches {
        eprintln!("mismatch: {mismatch}");
    }
    Ok(Outcome {
        lines: plan.lines,
        requests: plan.visits.len() as u64,
        rows,
        mismatches: mismatches.len(),
        skipped: plan.skipped_lines(),
        links: parts.iter().map(Vec::len).sum(),
        not_redirected: answers.others.values().sum(),
        told_to_wait: answers.told_to_wait,
        seconds: rounded(seconds, 3),
        visible_after_ms: visible_after.as_millis(),
    })
}

/// Host and port of the redirector.
fn authority(url: &str) -> Result<String> {
    let uri: Uri = url.parse().with_context(|| format!("--redirector {url}"))?;
    let http = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
    let authority = http.with_context(|| format!("--redirector {url}: must be an http:// URL"))?;
    Ok(format!(
        "{}:{}",
        authority.host(),
        authority.port_u16().unwrap_or(80)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_redirector_is() {
        assert_eq!(
            authority("http://127.0.0.1:8080/").unwrap(),
            "127.0.0.1:8080"
        );
        assert_eq!(authority("http://go.example").unwrap(), "go.example:80");
        for wrong in ["go.example:8080", "https://go.example", ""] {
            let error = format!("{:#}", authority(wrong).unwrap_err());
            assert!(error.contains("--redirector"), "{error}");
        }
    }
}
