//! Visitors from an access log: its agents, referrers, paths and clients, again and again under other addresses.
//!
//! Several walkers go through the log at a time, each on its own round. On a round every client of the log is a
//! visitor of its own, so that people come again as often, and as soon, as they do in the log.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use whence_core::agent::Agents;
use whence_core::click::{bounded, bounds};
use whence_core::config::Databases;
use whence_core::id::VisitorId;

use super::Visit;
use super::places::neighbour;
use crate::replay::log;

/// How many rounds through the log go on at a time.
const WALKERS: usize = 50;

/// A line of the log, as a visit.
struct Line {
    client: usize,
    /// Which of the log's paths.
    link: usize,
    slug: String,
    query: String,
    agent: String,
    referrer: String,
    is_head: bool,
    /// Keeps no cookies, and is a stranger each time.
    is_machine: bool,
}

/// One walk through the log.
#[derive(Default)]
struct Walker {
    at: usize,
    /// Who each of the log's clients is on this round.
    visitors: HashMap<usize, (VisitorId, IpAddr)>,
}

/// A log, and those who walk through it.
pub(super) struct Logged {
    lines: Vec<Line>,
    /// The log's clients, by number.
    clients: Vec<IpAddr>,
    walkers: Vec<Walker>,
}

impl Logged {
    /// Reads a log; lines that are no visit are left out.
    pub(super) fn read(path: &Path, random: &mut Rng) -> Result<Self> {
        let what = || format!("--log {}", path.display());
        let agents = Agents::open(&Databases::default())?;
        let (mut numbers, mut links) = (HashMap::new(), HashMap::new());
        let mut lines = Vec::new();
        for line in BufReader::new(File::open(path).with_context(what)?).split(b'\n') {
            let Ok(entry) = log::parse(&line.with_context(what)?) else {
                continue;
            };
            let (path, query) = entry.target.split_once('?').unwrap_or((&entry.target, ""));
            let text = |bytes: &Option<Vec<u8>>, limit| {
                bounded(bytes.as_deref().unwrap_or_default(), limit).into_owned()
            };
            let agent = text(&entry.agent, bounds::USER_AGENT);
            let slug = path.trim_start_matches('/').to_owned();
            let address = entry.client.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
            let (next_client, next_link) = (numbers.len(), links.len());
            lines.push(Line {
                client: *numbers.entry(address).or_insert(next_client),
                link: *links.entry(slug.clone()).or_insert(next_link),
                slug,
                query: query.into(),
                is_machine: agents.of(&agent, "").is_bot(),
                agent,
                referrer: text(&entry.referrer, bounds::REFERRER),
                is_head: entry.method == "HEAD",
            });
        }
        ensure!(!lines.is_empty(), "{}: no line in combined format", what());
        let mut clients = vec![IpAddr::from(Ipv4Addr::UNSPECIFIED); numbers.len()];
        for (address, number) in numbers {
            clients[number] = address;
        }
        let walkers = (0..WALKERS)
            .map(|_| Walker {
                at: random.usize(..lines.len()),
                visitors: HashMap::new(),
            })
            .collect();
        Ok(Self {
            lines,
            clients,
            walkers,
        })
    }

    /// How many links the log knows.
    pub(super) fn links(&self) -> usize {
        let links: HashSet<_> = self.lines.iter().map(|line| line.link).collect();
        links.len()
    }

    /// The next visit, by one of the walkers.
    pub(super) fn next(&mut self, random: &mut Rng) -> Visit {
        let walker = random.choice(&mut self.walkers).expect("there are some");
        let line = &self.lines[walker.at];
        walker.at += 1;
        if walker.at == self.lines.len() {
            *walker = Walker::default();
        }
        let stranger = |random: &mut Rng| {
            let address = neighbour(self.clients[line.client], random);
            (VisitorId(random.u128(..)), address)
        };
        let mut is_new = true;
        let (visitor, address) = if line.is_machine {
            stranger(random)
        } else {
            *walker
                .visitors
                .entry(line.client)
                .and_modify(|_| is_new = false)
                .or_insert_with(|| stranger(random))
        };
        Visit {
            link: line.link,
            slug: Some(line.slug.clone()),
            query: line.query.clone(),
            visitor,
            is_new,
            address,
            agent: line.agent.clone(),
            referrer: line.referrer.clone(),
            // A log in combined format does not say.
            language: if line.is_machine {
                ""
            } else {
                "en-US,en;q=0.9"
            },
            is_head: line.is_head,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_is_blown_up_with_its_repetition() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let person = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0";
        for path in ["/a", "/b?x=1", "/a"] {
            writeln!(file, "192.0.2.7 - - [17/May/2015:10:05:03 +0000] \"GET {path} HTTP/1.1\" 200 1 \"-\" \"{person}\"").unwrap();
        }
        writeln!(file, "192.0.2.8 - - [17/May/2015:10:05:03 +0000] \"HEAD /a HTTP/1.1\" 200 1 \"-\" \"curl/8.5.0\"").unwrap();
        writeln!(file, "no line").unwrap();
        let mut random = Rng::with_seed(1);
        let mut logged = Logged::read(file.path(), &mut random).unwrap();
        assert_eq!((logged.lines.len(), logged.links()), (4, 2));
        let visits: Vec<_> = (0..40_000).map(|_| logged.next(&mut random)).collect();
        let people: HashSet<_> = visits
            .iter()
            .filter(|v| !v.is_head)
            .map(|v| v.visitor)
            .collect();
        let machines: HashSet<_> = visits
            .iter()
            .filter(|v| v.is_head)
            .map(|v| v.visitor)
            .collect();
        assert!((9_900..10_200).contains(&people.len()), "{}", people.len());
        assert!(
            (9_900..10_200).contains(&machines.len()),
            "{}",
            machines.len()
        );
        assert!(
            visits
                .iter()
                .all(|visit| visit.address.to_string().starts_with("192.0."))
        );
        assert!(
            visits
                .iter()
                .any(|visit| visit.slug.as_deref() == Some("b") && visit.query == "x=1")
        );
    }
}
