//! Which processes and which lines between them an installation has; how they are started, `fleet` knows.

/// Redirectors, and ingests: with two of each there is another to go to.
pub(super) const NODES: usize = 2;

/// A process of the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    /// The link store.
    Redis,
    /// The engine.
    ClickHouse,
    /// The collector of this number.
    Ingest(usize),
    /// The edge of this number.
    Redirector(usize),
}

impl Part {
    /// All of them.
    pub(super) const ALL: [Self; 2 + 2 * NODES] = [
        Self::Redis,
        Self::ClickHouse,
        Self::Ingest(0),
        Self::Ingest(1),
        Self::Redirector(0),
        Self::Redirector(1),
    ];

    /// Its place among all of them.
    pub(super) fn index(self) -> usize {
        let place = Self::ALL.iter().position(|part| *part == self);
        place.expect("nodes are counted below NODES")
    }

    /// Its name in logs.
    pub(super) fn name(self) -> String {
        match self {
            Self::Redis => "redis".into(),
            Self::ClickHouse => "clickhouse".into(),
            Self::Ingest(node) => format!("ingest-{node}"),
            Self::Redirector(node) => format!("redirector-{node}"),
        }
    }
}

/// Which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    /// A visitor and a redirector.
    Visitor(usize),
    /// A merchant and an ingest.
    Merchant(usize),
    /// A redirector and Redis.
    Links(usize),
    /// A redirector and an ingest.
    Blocks(usize, usize),
    /// An ingest and ClickHouse.
    Rows(usize),
    /// An ingest and Redis.
    Keys(usize),
}

impl Between {
    /// All of them.
    pub(super) fn all() -> Vec<Self> {
        let of_node = |node| {
            let mut lines = vec![
                Self::Visitor(node),
                Self::Merchant(node),
                Self::Links(node),
                Self::Rows(node),
                Self::Keys(node),
            ];
            lines.extend((0..NODES).map(|other| Self::Blocks(node, other)));
            lines
        };
        (0..NODES).flat_map(of_node).collect()
    }
}
