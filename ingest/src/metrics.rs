//! Every figure of this service, by name and type.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use whence_core::conversion::ConversionSource;
use whence_core::page_event::PageEventSource;

/// A table that rows go into.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Table {
    /// Clicks.
    Clicks,
    /// Conversions.
    Conversions,
    /// Confirmations.
    Confirmations,
    /// Page events.
    PageEvents,
}

impl Table {
    /// Its name in ClickHouse.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Clicks => "clicks",
            Self::Conversions => "conversions",
            Self::Confirmations => "confirmations",
            Self::PageEvents => "page_events",
        }
    }

    fn labels(self) -> TableLabels {
        TableLabels { table: self.name() }
    }
}

/// How a block of clicks was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BlockAnswer {
    /// ClickHouse has it.
    Inserted,
    /// ClickHouse is away; the sender tries again.
    Delayed,
    /// Written by a newer Whence; the sender finds a newer ingest.
    Newer,
    /// It will never be taken; the sender keeps it.
    Refused,
}

impl BlockAnswer {
    const ALL: [Self; 4] = [Self::Inserted, Self::Delayed, Self::Newer, Self::Refused];

    fn labels(self) -> BlockLabels {
        BlockLabels {
            answer: match self {
                Self::Inserted => "inserted",
                Self::Delayed => "delayed",
                Self::Newer => "newer",
                Self::Refused => "refused",
            },
        }
    }
}

/// How a conversion was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConversionAnswer {
    /// In the journal.
    Accepted,
    /// Was accepted before.
    Replayed,
    /// Was accepted before with other facts.
    Conflicting,
    /// Something is wrong with it.
    Refused,
    /// No room, or the link store is away.
    Unavailable,
}

impl ConversionAnswer {
    const ALL: [Self; 5] = [
        Self::Accepted,
        Self::Replayed,
        Self::Conflicting,
        Self::Refused,
        Self::Unavailable,
    ];
}

/// How a confirmation was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConfirmationAnswer {
    /// In the journal.
    Accepted,
    /// Its click was confirmed before.
    Repeated,
    /// Its click is too long ago.
    Late,
    /// The workspace's mode, lowered where the browser asks for it, ties nothing to a click.
    Unwanted,
    /// Something is wrong with it.
    Refused,
    /// No room, or the link store is away.
    Unavailable,
}

impl ConfirmationAnswer {
    const ALL: [Self; 6] = [
        Self::Accepted,
        Self::Repeated,
        Self::Late,
        Self::Unwanted,
        Self::Refused,
        Self::Unavailable,
    ];

    fn labels(self) -> ConfirmationLabels {
        ConfirmationLabels {
            answer: match self {
                Self::Accepted => "accepted",
                Self::Repeated => "repeated",
                Self::Late => "late",
                Self::Unwanted => "unwanted",
                Self::Refused => "refused",
                Self::Unavailable => "unavailable",
            },
        }
    }
}

/// How a page event was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PageEventAnswer {
    /// In the journal.
    Accepted,
    /// Was taken before.
    Repeated,
    /// The workspace's mode, lowered where the browser asks for it, keeps nothing of it.
    Unwanted,
    /// Something is wrong with it.
    Refused,
    /// Too many of one person.
    Limited,
    /// No room, or the link store is away.
    Unavailable,
}

impl PageEventAnswer {
    const ALL: [Self; 6] = [
        Self::Accepted,
        Self::Repeated,
        Self::Unwanted,
        Self::Refused,
        Self::Limited,
        Self::Unavailable,
    ];
}

/// By whose word a page event came.
const PAGE_EVENT_SOURCES: [PageEventSource; 2] = [PageEventSource::Beacon, PageEventSource::Server];

fn page_event_labels(source: PageEventSource, answer: PageEventAnswer) -> SourceLabels {
    SourceLabels {
        source: match source {
            PageEventSource::Beacon => "beacon",
            PageEventSource::Server => "server",
        },
        answer: match answer {
            PageEventAnswer::Accepted => "accepted",
            PageEventAnswer::Repeated => "repeated",
            PageEventAnswer::Unwanted => "unwanted",
            PageEventAnswer::Refused => "refused",
            PageEventAnswer::Limited => "limited",
            PageEventAnswer::Unavailable => "unavailable",
        },
    }
}

fn labels(source: ConversionSource, answer: ConversionAnswer) -> SourceLabels {
    SourceLabels {
        source: match source {
            ConversionSource::Pixel => "pixel",
            ConversionSource::Beacon => "beacon",
            ConversionSource::Server => "server",
        },
        answer: match answer {
            ConversionAnswer::Accepted => "accepted",
            ConversionAnswer::Replayed => "replayed",
            ConversionAnswer::Conflicting => "conflicting",
            ConversionAnswer::Refused => "refused",
            ConversionAnswer::Unavailable => "unavailable",
        },
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BlockLabels {
    answer: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabels {
    source: &'static str,
    answer: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConfirmationLabels {
    answer: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TableLabels {
    table: &'static str,
}

/// From a point insert to the longest that is waited for.
#[derive(Clone, Debug, Default)]
struct InsertSeconds;

impl MetricConstructor<Histogram> for InsertSeconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new([
            0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 40.0,
        ])
    }
}

/// The figures.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    blocks: Family<BlockLabels, Counter>,
    clicks: Counter,
    skipped: Family<TableLabels, Counter>,
    conversions: Family<SourceLabels, Counter>,
    unverified: Counter,
    confirmations: Family<ConfirmationLabels, Counter>,
    page_events: Family<SourceLabels, Counter>,
    insert_seconds: Family<TableLabels, Histogram, InsertSeconds>,
}

impl Metrics {
    /// Registers every figure.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            blocks: Family::default(),
            clicks: Counter::default(),
            skipped: Family::default(),
            conversions: Family::default(),
            unverified: Counter::default(),
            confirmations: Family::default(),
            page_events: Family::default(),
            insert_seconds: Family::new_with_constructor(InsertSeconds),
        };
        metrics.start_at_zero();
        registry.register(
            "blocks",
            "Blocks of clicks by how they were answered",
            metrics.blocks.clone(),
        );
        let clicks = "Clicks handed to ClickHouse, those of repeated blocks again";
        registry.register("clicks", clicks, metrics.clicks.clone());
        let skipped = "Records that could not be read; each is a gap in its lane";
        registry.register("records_skipped", skipped, metrics.skipped.clone());
        let conversions = "Conversions by the way they came and how they were answered";
        registry.register("conversions", conversions, metrics.conversions.clone());
        let unverified =
            "Conversions accepted while ClickHouse could not say whether they are repeats";
        registry.register(
            "conversions_unverified",
            unverified,
            metrics.unverified.clone(),
        );
        let confirmations = "Confirmations that a page was shown, by how they were answered";
        registry.register(
            "confirmations",
            confirmations,
            metrics.confirmations.clone(),
        );
        let page_events = "Page events by whose word they are and how they were answered";
        registry.register("page_events", page_events, metrics.page_events.clone());
        let seconds = "How long ClickHouse took for a block";
        registry.register_with_unit(
            "insert",
            seconds,
            Unit::Seconds,
            metrics.insert_seconds.clone(),
        );
        metrics
    }

    /// Makes every label known from the start: an alert on a counter that is not there never fires.
    fn start_at_zero(&self) {
        for answer in BlockAnswer::ALL {
            drop(self.blocks.get_or_create(&answer.labels()));
        }
        for answer in ConfirmationAnswer::ALL {
            drop(self.confirmations.get_or_create(&answer.labels()));
        }
        for table in [
            Table::Clicks,
            Table::Conversions,
            Table::Confirmations,
            Table::PageEvents,
        ] {
            drop(self.skipped.get_or_create(&table.labels()));
            drop(self.insert_seconds.get_or_create(&table.labels()));
        }
        for source in PAGE_EVENT_SOURCES {
            for answer in PageEventAnswer::ALL {
                let labels = page_event_labels(source, answer);
                drop(self.page_events.get_or_create(&labels));
            }
        }
        for source in [
            ConversionSource::Pixel,
            ConversionSource::Beacon,
            ConversionSource::Server,
        ] {
            for answer in ConversionAnswer::ALL {
                drop(self.conversions.get_or_create(&labels(source, answer)));
            }
        }
    }

    /// A block of clicks was answered.
    pub(crate) fn block(&self, answer: BlockAnswer) {
        self.blocks.get_or_create(&answer.labels()).inc();
    }

    /// So many clicks are in ClickHouse.
    pub(crate) fn clicks(&self, count: usize) {
        self.clicks.inc_by(count as u64);
    }

    /// A record could not be read.
    pub(crate) fn record_skipped(&self, table: Table) {
        self.skipped.get_or_create(&table.labels()).inc();
    }

    /// A conversion was answered.
    pub(crate) fn conversion(&self, source: ConversionSource, answer: ConversionAnswer) {
        self.conversions
            .get_or_create(&labels(source, answer))
            .inc();
    }

    /// A conversion was accepted without knowing whether it is a repeat.
    pub(crate) fn unverified(&self) {
        self.unverified.inc();
    }

    /// A confirmation was answered.
    pub(crate) fn confirmation(&self, answer: ConfirmationAnswer) {
        self.confirmations.get_or_create(&answer.labels()).inc();
    }

    /// A page event was answered.
    pub(crate) fn page_event(&self, source: PageEventSource, answer: PageEventAnswer) {
        let labels = page_event_labels(source, answer);
        self.page_events.get_or_create(&labels).inc();
    }

    /// An insert has succeeded.
    pub(crate) fn inserted(&self, table: Table, took: Duration) {
        self.insert_seconds
            .get_or_create(&table.labels())
            .observe(took.as_secs_f64());
    }
}
