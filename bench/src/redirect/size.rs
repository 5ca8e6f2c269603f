//! One number of links: made, cached, and asked for in every way.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::Serialize;
use tokio_rustls::TlsConnector;

use super::bare::Bare;
use super::cell::{self, Cell, Effort, Subjects, Tally};
use super::certificate::Certificate;
use super::nginx::Nginx;
use super::subject::Subject;
use crate::cores::Cores;
use crate::edge::{self, Edge, Figures, Setting};
use crate::links::{self, Kind};
use crate::load::Way;
use crate::load::requests::Requests;
use crate::median::rounded;
use crate::redis::Redis;

/// Where the links are kept.
#[derive(Clone, Copy, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Store {
    /// In a file that the redirector itself opens.
    File,
    /// In a redis-server of the run's own.
    Redis,
}

/// What is the same for every size.
pub(super) struct Plan {
    pub(super) effort: Effort,
    pub(super) ways: Vec<Way>,
    pub(super) store: Store,
    /// Threads of each server.
    pub(super) threads: u8,
    /// Where the servers run.
    pub(super) servers: Cores,
    pub(super) certificate: Certificate,
    pub(super) with_nginx: bool,
}

/// What one number of links came to.
#[derive(Serialize)]
pub(super) struct Size {
    pub(super) links: u32,
    /// How long making them took: batches of 10,000 edits, one after the other.
    pub(super) made_s: f64,
    /// From the start of the process until the near cache had filled itself with all of them.
    pub(super) warm_s: Option<f64>,
    #[serde(skip)]
    pub(super) cells: Vec<Cell>,
    #[serde(skip)]
    pub(super) tally: Tally,
    #[serde(skip)]
    pub(super) figures: Figures,
}

impl Size {
    /// Refuses what is not a measure: requests that were not redirected, redirects that were not counted or lost.
    pub(super) fn check(&self) -> Result<()> {
        let Tally { redirects, errors } = self.tally;
        ensure!(errors == 0, "{errors} requests were not answered with 302");
        ensure!(
            self.figures.redirected == redirects,
            "{redirects} redirects were answered and {} counted",
            self.figures.redirected
        );
        ensure!(
            self.figures.dropped == 0,
            "{} clicks found no room in the journal",
            self.figures.dropped
        );
        Ok(())
    }
}

/// Measures so many links, whose files are kept in `dir` meanwhile.
pub(super) async fn measure(plan: &Plan, dir: &Path, links: u32) -> Result<Size> {
    eprintln!("making {links} links");
    let data_dir = dir.join("redirector");
    std::fs::create_dir_all(&data_dir).with_context(|| data_dir.display().to_string())?;
    let redis = match plan.store {
        Store::File => None,
        Store::Redis => Some(Redis::start().await?),
    };
    let url = match &redis {
        None => format!("file:{}", data_dir.join("links.redb").display()),
        Some(redis) => redis.url(),
    };
    let start = Instant::now();
    // Closed again before the redirector opens it: a file belongs to one process.
    links::make(
        &whence_core::store::open(&url).await?,
        0..links,
        Kind::Labelled,
    )
    .await?;
    let made_s = rounded(start.elapsed().as_secs_f64(), 1);

    let everywhere = Cores::all()?;
    plan.servers.keep_to()?;

    let edge = Edge::start(&Setting {
        data_dir: &data_dir,
        store: Some(&url),
        threads: plan.threads,
        cache_megabytes: edge::megabytes_for(links),
        certificates: (plan.ways.contains(&Way::Tls)).then(|| plan.certificate.folder()),
        counts: None,
    })
    .await?;
    let warm_s = edge.warm(links).await?.map(|seconds| rounded(seconds, 2));
    let requests = Arc::new(Requests::new(links));
    let (cells, tally) = ask(plan, dir, links, &edge, &requests).await?;
    let figures = edge.figures().await?;
    edge.stop()?;
    everywhere.keep_to()?;
    Ok(Size {
        links,
        made_s,
        warm_s,
        cells,
        tally,
        figures,
    })
}

async fn ask(
    plan: &Plan,
    dir: &Path,
    links: u32,
    edge: &Edge,
    requests: &Arc<Requests>,
) -> Result<(Vec<Cell>, Tally)> {
    let connector: TlsConnector = plan.certificate.connector()?;
    let answer = Subject::from(edge).answer(requests).await?;
    let bare = Bare::start(&answer, &plan.certificate, plan.threads, None).await?;
    let folder = dir.join("nginx");
    let nginx = match plan.with_nginx {
        false => None,
        true => {
            Some(Nginx::start(&folder, &answer, &plan.certificate, requests, plan.threads).await?)
        }
    };
    let subjects = Subjects {
        whence: Subject::from(edge),
        hyper: bare.subject(),
        nginx: nginx.as_ref().map(Nginx::subject),
    };
    // One was answered already, to see what the others have to say.
    let mut tally = Tally {
        redirects: 1,
        errors: 0,
    };
    let mut cells = Vec::new();
    for &way in &plan.ways {
        let cell = cell::measure(&plan.effort, way, links, &subjects, &connector, requests)?;
        eprintln!("{cell}");
        tally = tally.and(cell.tally);
        cells.push(cell);
    }
    Ok((cells, tally))
}
