//! How many instructions a redirect takes outside the kernel: a figure that no other work on the machine disturbs.
//!
//! Each server runs twice under callgrind and answers one browser, the second time twice as often: the difference is
//! what the answers cost, and what starting and stopping costs is out of it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Serialize;

use super::bare::Bare;
use super::certificate::Certificate;
use super::subject::Subject;
use crate::callgrind;
use crate::edge::{self, Edge, Setting};
use crate::links::{self, Kind};
use crate::load::Way;
use crate::load::browser::Browser;
use crate::load::requests::Requests;
use crate::median::rounded;

/// Links that are asked for; all are in the cache before the counted requests.
const LINKS: u32 = 100;
/// Requests of the first run; the second has twice as many.
const REQUESTS: u32 = 3_000;

/// Instructions for each redirect.
#[derive(Serialize)]
pub(super) struct Instructions {
    whence: f64,
    hyper: f64,
    ratio: f64,
}

/// Counts those of the redirector and of bare hyper.
pub(super) async fn measure(dir: &Path, certificate: &Certificate) -> Result<Instructions> {
    eprintln!("counting instructions");
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let requests = Arc::new(Requests::new(LINKS));
    let (mut whence, mut hyper) = (Vec::new(), Vec::new());
    for times in [1, 2] {
        let count = times * REQUESTS;
        let dir = dir.join(times.to_string());
        let (counts, answer) = of_whence(&dir, &requests, count).await?;
        whence.push(counts);
        hyper.push(of_hyper(&dir, &requests, count, &answer, certificate).await?);
    }
    let each = |counts: &[u64]| counts[1].saturating_sub(counts[0]) as f64 / f64::from(REQUESTS);
    let (whence, hyper) = (each(&whence), each(&hyper));
    Ok(Instructions {
        whence: whence.round(),
        hyper: hyper.round(),
        ratio: rounded(whence / hyper, 3),
    })
}

async fn of_whence(dir: &Path, requests: &Arc<Requests>, count: u32) -> Result<(u64, String)> {
    std::fs::create_dir_all(dir)?;
    let url = format!("file:{}", dir.join("links.redb").display());
    links::make(
        &whence_core::store::open(&url).await?,
        0..LINKS,
        Kind::Labelled,
    )
    .await?;
    let counts = dir.join("whence.callgrind");
    let edge = Edge::start(&Setting {
        data_dir: dir,
        store: Some(&url),
        threads: 1,
        cache_megabytes: edge::megabytes_for(LINKS),
        certificates: None,
        counts: Some(&counts),
    })
    .await?;
    let subject = Subject::from(&edge);
    let answer = subject.answer(requests).await?;
    click(&subject, requests, count).await?;
    edge.stop()?;
    Ok((callgrind::counted(&counts)?, answer))
}

async fn of_hyper(
    dir: &Path,
    requests: &Arc<Requests>,
    count: u32,
    answer: &str,
    certificate: &Certificate,
) -> Result<u64> {
    let counts = dir.join("hyper.callgrind");
    let bare = Bare::start(answer, certificate, 1, Some(&counts)).await?;
    click(&bare.subject(), requests, count).await?;
    drop(bare);
    callgrind::counted(&counts)
}

/// One browser on one connection, after it has asked for every link.
async fn click(subject: &Subject<'_>, requests: &Arc<Requests>, count: u32) -> Result<()> {
    let aim = subject.plain_aim();
    let mut browser = Browser::new(requests.script(1, Way::KeepAlive), aim);
    for number in 0..LINKS {
        browser.click_on(&links::slug_text(number)).await?;
    }
    for _ in 0..count {
        browser.click().await?;
    }
    Ok(())
}
