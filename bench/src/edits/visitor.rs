//! A visitor who clicks on a link again and again until sent somewhere else.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::load::Aim;
use crate::load::browser::Browser;
use crate::load::requests::Requests;

/// Between two clicks: two visitors without any would take both cores of a small machine from what they look at. What
/// is found can be late by as much.
const PAUSE: Duration = Duration::from_micros(200);
/// An edit that is not visible by then never will be: no link is believed for longer without asking.
const PATIENCE: Duration = Duration::from_secs(90);

/// A visitor on a thread of its own, which ends with it.
pub(super) struct Visitor {
    orders: Sender<Order>,
    reports: Receiver<Result<Report>>,
}

struct Order {
    slug: String,
    /// What the answer says once the edit is visible.
    sign: String,
}

enum Report {
    /// The link was answered, and not yet with what is waited for: it is in memory there.
    Watching,
    /// It was answered with it, at this time.
    Seen(Instant),
}

impl Visitor {
    /// Browser `number` of these, on the node at `aim`.
    pub(super) fn new(requests: &Arc<Requests>, number: u16, aim: Arc<Aim>) -> Self {
        let (orders, received) = channel(1);
        let (report, reports) = channel(1);
        let browser = Browser::new(requests.script(number, aim.way), aim);
        thread::spawn(move || work(browser, received, &report));
        Self { orders, reports }
    }

    /// Begins to click on a link, until it leads to `destination`.
    pub(super) async fn watch(&mut self, slug: &str, destination: &str) -> Result<()> {
        let order = Order {
            slug: slug.to_owned(),
            sign: format!("\nlocation: {destination}"),
        };
        let sent = self.orders.send(order).await;
        sent.ok().context("the visitor's thread is gone")?;
        match self.report().await? {
            Report::Watching => Ok(()),
            Report::Seen(_) => bail!("{slug} led to {destination} before the edit"),
        }
    }

    /// When it first led there.
    pub(super) async fn seen(&mut self) -> Result<Instant> {
        match self.report().await? {
            Report::Seen(time) => Ok(time),
            Report::Watching => bail!("the visitor reported twice that it is watching"),
        }
    }

    async fn report(&mut self) -> Result<Report> {
        let report = self.reports.recv().await;
        report.context("the visitor's thread is gone")?
    }
}

/// Does what it is told until nobody is there to tell it.
fn work(mut browser: Browser, mut orders: Receiver<Order>, reports: &Sender<Result<Report>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime with one thread");
    runtime.block_on(async {
        while let Some(order) = orders.recv().await {
            if let Err(error) = click_until_seen(&mut browser, &order, reports).await {
                // Nobody listens any more: the bench has failed already.
                let _ = reports.send(Err(error)).await;
            }
        }
    });
}

async fn click_until_seen(
    browser: &mut Browser,
    order: &Order,
    reports: &Sender<Result<Report>>,
) -> Result<()> {
    let start = Instant::now();
    let mut is_first = true;
    while start.elapsed() < PATIENCE {
        browser
            .click_on(&order.slug)
            .await
            .with_context(|| format!("a click on {}", order.slug))?;
        let time = Instant::now();
        let is_seen = contains(browser.answer(), order.sign.as_bytes());
        if is_seen || is_first {
            let report = if is_seen {
                Report::Seen(time)
            } else {
                Report::Watching
            };
            reports.send(Ok(report)).await?;
        }
        if is_seen {
            return Ok(());
        }
        is_first = false;
        // Nothing else is on this thread, and tokio's timer counts in milliseconds.
        thread::sleep(PAUSE);
    }
    bail!(
        "the edit of {} was not visible after {} s",
        order.slug,
        PATIENCE.as_secs()
    )
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
