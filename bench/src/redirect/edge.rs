//! The redirector that is measured: its links, its process, its figures.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hyper::StatusCode;
use jiff::Timestamp;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use whence_core::id::LinkId;
use whence_core::link::{Link, LinkSpec};
use whence_core::store::{FileStore, LinkStore};
use whence_core::workspace::Workspace;

use super::load::{self, Target};
use super::requests::Requests;
use crate::server::{self, Server};
use crate::{binary, http};

/// The short domain of all links.
pub(super) const DOMAIN: &str = "go.example";

/// The redirector in a process of its own.
pub(super) struct Edge {
    server: Server,
    address: SocketAddr,
    admin: SocketAddr,
}

/// What it says it has done.
pub(super) struct Counts {
    /// Clicks sent on.
    pub(super) redirected: u64,
    /// Clicks that the journal had no room for.
    pub(super) dropped: u64,
}

/// Makes `count` links in the file where a redirector with this data directory looks for them.
pub(super) async fn make_links(data_dir: &Path, count: u32) -> Result<Vec<String>> {
    let store = FileStore::open(&data_dir.join("links.redb"))?;
    let workspace = Workspace::new("bench".parse()?, "Bench");
    store.put_workspace(&workspace).await?;
    store.claim_domain(&DOMAIN.parse()?, &workspace.id).await?;
    let mut random = fastrand::Rng::with_seed(1);
    let now = Timestamp::now();
    let mut slugs = Vec::new();
    for number in 0..count {
        let slug: String = (0..7).map(|_| random.alphanumeric()).collect();
        // The number makes it unique, however many there are.
        let slug = format!("{slug}{number}");
        let destination = format!("https://shop.example/products/{number}?utm_source=friend");
        let link = Link {
            id: LinkId(u64::from(number) + 1),
            workspace: workspace.id.clone(),
            domain: DOMAIN.parse()?,
            slug: slug.parse()?,
            spec: LinkSpec {
                channel: Some("instagram".parse()?),
                campaign: Some("autumn".parse()?),
                program: Some("friends".parse()?),
                advocate: Some(format!("advocate-{number}").parse()?),
                ..LinkSpec::to(destination.parse()?)
            },
            learned_weights: Vec::new(),
            revision: 1,
            created_at: now,
            updated_at: now,
        };
        store.create_link(&link).await?;
        slugs.push(slug);
    }
    Ok(slugs)
}

impl Edge {
    /// Starts it with its defaults, except that nobody takes its clicks and no client is one too many.
    pub(super) async fn start(data_dir: &Path, threads: u8) -> Result<Self> {
        let (address, admin) = (server::free_address()?, server::free_address()?);
        let mut command = Command::new(binary::beside("whence-redirector", "whence-redirector")?);
        for setting in [
            format!("data_dir={}", data_dir.display()),
            "click_id_key=00112233445566778899aabbccddeeff".into(),
            // That ingest is away is said again and again, and is meant to be.
            "log.filter=error".into(),
            format!("redirector.listen={address}"),
            format!("redirector.admin={admin}"),
            format!("redirector.threads={threads}"),
            "redirector.ingest=http://127.0.0.1:1".into(),
            // The limits count, as they do in life, and never say no.
            "redirector.client_rate=1000000".into(),
            "redirector.client_burst=1000000".into(),
            "redirector.drain_ms=1000".into(),
        ] {
            command.args(["--set", &setting]);
        }
        let mut server = Server::start("whence-redirector", command)?;
        server
            .until(&format!("http://{admin}/readyz"), StatusCode::OK)
            .await?;
        Ok(Self {
            server,
            address,
            admin,
        })
    }

    /// The server as the load sees it.
    pub(super) fn target(&self) -> Target<'_> {
        Target {
            address: self.address,
            process: &self.server,
        }
    }

    /// The header lines of one answer, without those that hyper itself writes.
    pub(super) async fn answer(&self, requests: &std::sync::Arc<Requests>) -> Result<Vec<String>> {
        let mut stream = TcpStream::connect(self.address).await?;
        let mut buffer = Vec::with_capacity(load::LONGEST);
        requests.browser(0).write_next(&mut buffer);
        stream.write_all(&buffer).await?;
        buffer.clear();
        load::read_found(&mut stream, &mut buffer)
            .await
            .context("the redirector's first answer")?;
        let head = String::from_utf8(buffer)?;
        let lines: Vec<String> = head
            .lines()
            .skip(1)
            .filter(|line| {
                !line.is_empty()
                    && !line.starts_with("date: ")
                    && !line.starts_with("content-length: ")
            })
            .map(str::to_owned)
            .collect();
        for name in ["location: ", "set-cookie: "] {
            let is_there = lines.iter().any(|line| line.starts_with(name));
            ensure!(
                is_there,
                "the redirector's answer has no {name:?}: {head:?}"
            );
        }
        Ok(lines)
    }

    /// Its own counters.
    pub(super) async fn counts(&self) -> Result<Counts> {
        let answer = http::get(&http::client(), &format!("http://{}/metrics", self.admin)).await?;
        let text = String::from_utf8(answer.body.to_vec())?;
        let count = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let line = line.with_context(|| format!("the redirector's metrics have no {name}"))?;
            line.trim().parse::<u64>().with_context(|| name.to_owned())
        };
        Ok(Counts {
            redirected: count("whence_redirector_requests_total{answer=\"redirected\"}")?,
            dropped: count("whence_redirector_events_dropped_total")?,
        })
    }

    /// Stops it as an operator would.
    pub(super) fn stop(self) -> Result<()> {
        self.server.stop()
    }
}
