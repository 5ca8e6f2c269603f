//! The collector as a whole: checks its configuration, opens its journal, binds its ports, serves, drains.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::clickhouse::Client;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use whence_core::admin::{self, Readiness};
use whence_core::config::{Config, Retention};
use whence_core::erased::ErasedEvents;
use whence_core::journal::{self, LaneOptions, LaneReader, Poisoned};
use whence_core::place;
use whence_core::process::{Hangups, hangups};
use whence_core::service::{RunError, Service, StartError, listen};
use whence_core::ship::{self, Records, Settings, ShipMetrics, Shipping};
use whence_core::store::LinkStore;
use whence_core::{clickhouse, serve, telemetry};

use crate::api::{self, Shared};
use crate::carried;
use crate::confirmation::desk::ConfirmationDesk;
use crate::confirmation::sink::ConfirmationTable;
use crate::conversion::desk::Desk;
use crate::conversion::sink::ConversionTable;
use crate::enrich::Enricher;
use crate::insert::Inserts;
use crate::known::Known;
use crate::metrics::Metrics;
use crate::page_event::desk::PageEventDesk;
use crate::page_event::pace::Pace;
use crate::page_event::sink::PageEventTable;
use crate::refill::refill;
use crate::retention;
use crate::rules::Rules;
use crate::turns::Turns;
use crate::visitors::Visitors;

/// Blocks in memory at a time: some 40 MiB each as shippers seal them, 64 MiB at worst. So blocks take at most 256 MiB,
/// however long ClickHouse hangs; more at a time would only wait for it.
const BLOCKS_AT_A_TIME: usize = 4;
/// Requests with accounts of lanes in memory at a time: some 10 MiB each at worst.
const ACCOUNTS_AT_A_TIME: usize = 2;
/// Batches of conversions in memory at a time: some 100 MiB each at worst.
const BATCHES_AT_A_TIME: usize = 2;
/// Pixels that are worked on at a time, those that were answered before among them: some kilobytes each.
const PIXELS_AT_A_TIME: usize = 4096;
/// Confirmations that are worked on at a time: some kilobytes each.
const CONFIRMATIONS_AT_A_TIME: usize = 4096;
/// Page events of browsers that are worked on at a time: some kilobytes each.
const PAGE_EVENTS_AT_A_TIME: usize = 4096;
/// Requests with page events from servers in memory at a time: some 30 MiB each at worst.
const PAGE_EVENT_BATCHES_AT_A_TIME: usize = 2;
/// The largest segment of the lanes of what pages say: one holds a hundred thousand confirmations, or half as many page events.
const PAGES_SEGMENT: u64 = 8 << 20;
/// How long any of them waits for its turn. While ClickHouse hangs nothing gets on; what waits longer is safer where it was.
const TURN_PATIENCE: Duration = Duration::from_secs(5);

/// A collector that has bound its ports and not yet answered.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    admin: TcpListener,
    admin_address: SocketAddr,
    shared: Arc<Shared>,
    conversions: (LaneReader, Arc<ConversionTable>),
    confirmations: (LaneReader, Arc<ConfirmationTable>),
    page_events: (LaneReader, Arc<PageEventTable>),
    registry: Registry,
    ship_metrics: ShipMetrics,
    broken: mpsc::Receiver<Poisoned>,
    drain: Duration,
    clickhouse: Client,
    retention: Retention,
    hangups: Hangups,
}

impl Service for Server {
    const NAME: &'static str = "ingest";

    /// ClickHouse may be away: what arrives meanwhile waits where it is.
    async fn bind(config: &Config, store: Arc<dyn LinkStore>) -> Result<Self, StartError> {
        let settings = &config.ingest;
        let key = config.click_id_key().map_err(StartError::Config)?;
        let salt_key = config.salt_key().map_err(StartError::Config)?;
        if settings.token.is_empty() {
            let reason = "ingest.token is not set; make one with: openssl rand -hex 32";
            return Err(StartError::Config(reason.into()));
        }
        let enricher = Enricher::open(&config.databases)
            .map_err(|error| StartError::Config(error.to_string()))?
            .with_windows(settings.windows_mib << 20);

        let mut registry = telemetry::registry("ingest");
        let metrics = Metrics::register(&mut registry);
        let ship_metrics = ShipMetrics::register(&mut registry);
        let client = clickhouse::client(&config.clickhouse);
        let inserts = Arc::new(Inserts::new(client.clone(), metrics.clone()));

        let journal_dir = config.journal_dir(&settings.journal, "ingest");
        let options = settings.journal.lane_options();
        let (writer, mut reader) =
            journal::open(&journal_dir.join("conversions"), options.clone())?;
        let (report, broken) = mpsc::channel(1);
        let desk = Arc::new(Desk::open(
            writer,
            &mut reader,
            client,
            ErasedEvents::of(&key),
            metrics.clone(),
            report.clone(),
        )?);
        let table = ConversionTable::new(Arc::clone(&inserts), Arc::clone(&desk), metrics.clone());

        let options = LaneOptions {
            segment_bytes: options.segment_bytes.min(PAGES_SEGMENT),
            ..options
        };
        let (writer, confirmed) =
            journal::open(&journal_dir.join("confirmations"), options.clone())?;
        let confirmations = ConfirmationDesk::new(writer, report.clone());
        let confirmation_table = ConfirmationTable::new(Arc::clone(&inserts), metrics.clone());

        let (writer, happened) = journal::open(&journal_dir.join("page_events"), options)?;
        let page_events = PageEventDesk::new(writer, report);
        let erased = ErasedEvents::of(&key);
        let page_event_table = PageEventTable::new(Arc::clone(&inserts), erased, metrics.clone());

        let (listener, address) = listen("ingest.listen", settings.listen).await?;
        let (admin, admin_address) = listen("ingest.admin", settings.admin).await?;
        let shared = Shared {
            enricher,
            inserts,
            desk,
            confirmations,
            page_events,
            key,
            token: settings.token.clone(),
            visitors: Arc::new(Visitors::new(Arc::clone(&store), salt_key)),
            rules: Rules::new(Arc::clone(&store)),
            known: Known::new(store),
            visitor_cookie: config.redirector.cookies.visitor.clone(),
            cookie_days: config.redirector.cookies.days,
            block_turns: Turns::new(BLOCKS_AT_A_TIME, TURN_PATIENCE),
            account_turns: Turns::new(ACCOUNTS_AT_A_TIME, TURN_PATIENCE),
            batch_turns: Turns::new(BATCHES_AT_A_TIME, TURN_PATIENCE),
            pixels: Arc::new(Semaphore::new(PIXELS_AT_A_TIME)),
            confirmation_turns: Semaphore::new(CONFIRMATIONS_AT_A_TIME),
            page_event_pace: Pace::new(),
            page_event_turns: Semaphore::new(PAGE_EVENTS_AT_A_TIME),
            page_event_batch_turns: Turns::new(PAGE_EVENT_BATCHES_AT_A_TIME, TURN_PATIENCE),
            metrics,
        };
        Ok(Self {
            listener,
            address,
            admin,
            admin_address,
            shared: Arc::new(shared),
            conversions: (reader, Arc::new(table)),
            confirmations: (confirmed, Arc::new(confirmation_table)),
            page_events: (happened, Arc::new(page_event_table)),
            registry,
            ship_metrics,
            broken,
            drain: Duration::from_millis(settings.drain_ms),
            clickhouse: clickhouse::client(&config.clickhouse),
            retention: config.retention.clone(),
            hangups: hangups(),
        })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    async fn run(
        mut self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), RunError> {
        let ready = Readiness::default();
        let admin = tokio::spawn(admin::serve(self.admin, self.registry, ready.clone()));
        let stop_shipping = CancellationToken::new();
        let conversions = Shipping {
            service: Self::NAME,
            records: Records::Conversions,
            sink: self.conversions.1,
            metrics: self.ship_metrics.clone(),
            settings: Settings::default(),
        };
        let confirmations = Shipping {
            service: Self::NAME,
            records: Records::Confirmations,
            sink: self.confirmations.1,
            metrics: self.ship_metrics.clone(),
            settings: Settings::default(),
        };
        let page_events = Shipping {
            service: Self::NAME,
            records: Records::PageEvents,
            sink: self.page_events.1,
            metrics: self.ship_metrics,
            settings: Settings::default(),
        };
        let come = conversions.sink.come();
        let mut shipping = JoinSet::new();
        let stop = || stop_shipping.clone();
        shipping.spawn(ship::run(
            self.conversions.0,
            conversions,
            stop(),
            self.drain,
        ));
        shipping.spawn(ship::run(
            self.confirmations.0,
            confirmations,
            stop(),
            self.drain,
        ));
        shipping.spawn(ship::run(
            self.page_events.0,
            page_events,
            stop(),
            self.drain,
        ));
        let databases = Arc::clone(&self.shared);
        let refreshing = tokio::spawn(place::watch(self.hangups, move |occasion| {
            databases.enricher.refresh(occasion);
        }));
        let (client, remembering) = (self.clickhouse.clone(), Arc::clone(&self.shared));
        let refilling = tokio::spawn(async move { refill(&client, &remembering.enricher).await });
        let stop_serving = CancellationToken::new();
        let visitors = Arc::clone(&self.shared.visitors);
        let stopped = stop_serving.clone();
        tokio::spawn(async move { visitors.forget(stopped).await });
        tokio::spawn(carried::run(
            self.clickhouse.clone(),
            come,
            stop_serving.clone(),
        ));
        tokio::spawn(retention::run(
            self.clickhouse,
            self.retention,
            stop_serving.clone(),
        ));
        let app = api::router(self.shared);
        let serving = tokio::spawn(serve::serve(
            self.listener,
            app,
            stop_serving.clone(),
            self.drain,
        ));
        ready.set(true);

        let result = tokio::select! {
            () = shutdown => Ok(()),
            Some(cause) = self.broken.recv() => Err(RunError::Journal(cause)),
            // Neither ends by itself but with an error.
            Some(shipped) = shipping.join_next() => shipped.unwrap_or(Ok(())).map_err(RunError::Ship),
        };
        ready.set(false);
        stop_serving.cancel();
        // No task panics, and none is aborted.
        let _ = serving.await;
        stop_shipping.cancel();
        while let Some(shipped) = shipping.join_next().await {
            if let Ok(Err(error)) = shipped {
                tracing::error!(%error, "the journal could not be shipped");
            }
        }
        refilling.abort();
        refreshing.abort();
        admin.abort();
        result
    }
}
