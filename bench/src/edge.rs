//! The redirector that is measured: its process, and what it says of itself.

use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hyper::StatusCode;

use crate::server::{self, Server};
use crate::{binary, callgrind, http};

/// Between two looks at the cache while it fills.
const WARM_LOOK: Duration = Duration::from_millis(20);
/// How long it may stay as it is before nobody believes that it will ever be full.
const WARM_STALL: Duration = Duration::from_secs(5);

/// What a redirector is started with, beside its defaults.
pub(crate) struct Setting<'s> {
    /// Where its journal is kept, and its links where no store is named.
    pub(crate) data_dir: &'s Path,
    /// The link store's URL.
    pub(crate) store: Option<&'s str>,
    /// Serving threads.
    pub(crate) threads: u8,
    /// Memory for links, in MiB.
    pub(crate) cache_megabytes: u64,
    /// A folder of certificates, where it also answers encrypted.
    pub(crate) certificates: Option<&'s Path>,
    /// A file into which its instructions are counted, if they are.
    pub(crate) counts: Option<&'s Path>,
}

/// The redirector in a process of its own.
pub(crate) struct Edge {
    /// The process.
    pub(crate) server: Server,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    /// Where it answers encrypted, if it does.
    pub(crate) tls_address: Option<SocketAddr>,
    admin: SocketAddr,
}

/// What it says it has done and holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Clicks sent on.
    pub(crate) redirected: u64,
    /// Clicks that the journal had no room for.
    pub(crate) dropped: u64,
    /// Links in the near cache.
    pub(crate) cached_links: u64,
    /// What they take there.
    pub(crate) cached_bytes: u64,
}

/// A near cache's bound, in MiB, that holds so many links with ease: with a KiB for each.
pub(crate) fn megabytes_for(links: u32) -> u64 {
    64 + u64::from(links) / 1024
}

impl Edge {
    /// Starts it with its defaults, except that nobody takes its clicks and no client is one too many.
    pub(crate) async fn start(setting: &Setting<'_>) -> Result<Self> {
        let (address, admin) = (server::free_address()?, server::free_address()?);
        let program = binary::beside("whence-redirector", "whence-redirector")?;
        let mut command = callgrind::command(&program, setting.counts);
        let mut settings = vec![
            format!("data_dir={}", setting.data_dir.display()),
            "click_id_key=00112233445566778899aabbccddeeff".into(),
            // That ingest is away is said again and again, and is meant to be.
            "log.filter=error".into(),
            format!("redirector.listen={address}"),
            format!("redirector.admin={admin}"),
            format!("redirector.threads={}", setting.threads),
            "redirector.ingest=http://127.0.0.1:1".into(),
            // The limits count, as they do in life, and never say no.
            "redirector.client_rate=1000000".into(),
            "redirector.client_burst=1000000".into(),
            "redirector.tls.handshake_rate=1000000".into(),
            "redirector.tls.handshake_burst=1000000".into(),
            "redirector.drain_ms=1000".into(),
            format!("redirector.cache.megabytes={}", setting.cache_megabytes),
        ];
        if let Some(url) = setting.store {
            settings.push(format!("store.url={url}"));
        }
        let mut tls_address = None;
        if let Some(folder) = setting.certificates {
            let address = server::free_address()?;
            settings.push(format!("redirector.tls.listen={address}"));
            settings.push(format!("redirector.tls.certificates={}", folder.display()));
            tls_address = Some(address);
        }
        for setting in &settings {
            command.args(["--set", setting]);
        }
        let mut server = Server::start("whence-redirector", command)?;
        server
            .until(&format!("http://{admin}/readyz"), StatusCode::OK)
            .await?;
        Ok(Self {
            server,
            address,
            tls_address,
            admin,
        })
    }

    /// Waits until the near cache has filled itself with so many links; says how long after the start of the process
    /// it had, in seconds, or nothing where it stopped before.
    pub(crate) async fn warm(&self, links: u32) -> Result<Option<f64>> {
        let (mut most, mut grown) = (0, Instant::now());
        loop {
            let cached = self.figures().await?.cached_links;
            if cached >= u64::from(links) {
                return Ok(Some(self.server.started().elapsed().as_secs_f64()));
            }
            if cached > most {
                (most, grown) = (cached, Instant::now());
            } else if grown.elapsed() > WARM_STALL {
                eprintln!("the near cache stopped filling itself at {cached} of {links} links");
                return Ok(None);
            }
            tokio::time::sleep(WARM_LOOK).await;
        }
    }

    /// Its own counters.
    pub(crate) async fn figures(&self) -> Result<Figures> {
        let answer = http::get(&http::client(), &format!("http://{}/metrics", self.admin)).await?;
        let text = String::from_utf8(answer.body.to_vec())?;
        let figure = |name: &str, labels: &str| {
            metric(&text, name, labels)
                .with_context(|| format!("the redirector's metrics have no {name} {labels}"))
        };
        Ok(Figures {
            redirected: figure("whence_redirector_requests_total", "=\"redirected\"}")?,
            dropped: figure("whence_redirector_events_dropped_total", "")?,
            cached_links: figure("whence_redirector_cache_links", "")?,
            cached_bytes: figure("whence_redirector_cache_bytes", "")?,
        })
    }

    /// Stops it as an operator would.
    pub(crate) fn stop(self) -> Result<()> {
        self.server.stop()
    }
}

/// One value in Prometheus' text form, by its name and the end of its labels.
pub(crate) fn metric<T: FromStr>(text: &str, name: &str, labels: &str) -> Option<T> {
    text.lines().find_map(|line| {
        let (key, value) = line.strip_prefix(name)?.rsplit_once(' ')?;
        let is_it = key.ends_with(labels) && (key.is_empty() || key.starts_with('{'));
        if is_it { value.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_found_by_its_whole_name() {
        let text = "# TYPE a counter\na_total{x=\"b\"} 3\na_total{x=\"c\"} 4\na 7\n";
        assert_eq!(metric(text, "a_total", "=\"c\"}"), Some(4));
        assert_eq!(metric(text, "a", ""), Some(7));
        assert_eq!(metric::<u64>(text, "a_tot", ""), None);
    }
}
