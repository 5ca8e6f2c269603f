//! Asks every place whether something of a person is in it, and puts what came of an erasure into words.

use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};
use whence_core::process::Failure;

use super::journals;
use crate::journal::{Lane, blocks};
use crate::person::{Found, Ids, Subject, aside, clickhouse_failed};

/// What is a person's in each table. What other people's rows say of them counts as well.
const PLACES: [(&str, &str); 9] = [
    (
        "clicks",
        include_str!("../../../sql/person/rows_of_clicks.sql"),
    ),
    (
        "carried_clicks",
        include_str!("../../../sql/person/rows_of_carried_clicks.sql"),
    ),
    (
        "conversions",
        include_str!("../../../sql/person/rows_of_conversions.sql"),
    ),
    (
        "conversions of others that name them",
        include_str!("../../../sql/person/rows_of_others.sql"),
    ),
    (
        "conversion_numbers",
        include_str!("../../../sql/person/rows_of_conversion_numbers.sql"),
    ),
    (
        "refunds",
        include_str!("../../../sql/person/rows_of_refunds.sql"),
    ),
    (
        "confirmations",
        include_str!("../../../sql/person/rows_of_confirmations.sql"),
    ),
    (
        "page_events",
        include_str!("../../../sql/person/rows_of_page_events.sql"),
    ),
    (
        "page_events of others that name them",
        include_str!("../../../sql/person/rows_of_others_page_events.sql"),
    ),
];

const DETACHED: &str = "SELECT table, count() AS parts FROM system.detached_parts
    WHERE database = currentDatabase() GROUP BY table ORDER BY table";

/// How much of a person is somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    /// Where.
    pub(super) place: String,
    /// Rows, records, or occurrences in a file.
    pub(super) found: u64,
}

/// Looks everywhere: in the tables, in what was set aside on this machine, and in the bytes of its journals.
pub(super) async fn everywhere(
    found: &Found,
    lanes: &[Lane],
    ids: &Ids,
) -> Result<Vec<Place>, Failure> {
    let mut places = Vec::new();
    for (place, rows) in PLACES {
        let count = found.query(&format!("SELECT count() FROM (\n{rows}\n)"));
        places.push(Place {
            place: place.to_owned(),
            found: count.fetch_one().await.map_err(clickhouse_failed)?,
        });
    }
    let mut records = 0;
    for block in blocks(lanes)? {
        records += aside::count(&block.read()?, block.records(), ids);
    }
    places.push(Place {
        place: "records that were set aside on this machine".into(),
        found: records,
    });
    let patterns = ids.patterns();
    let mut bytes = 0;
    for lane in lanes {
        bytes += journals::search(lane, &patterns)?;
    }
    places.push(Place {
        place: "ids in the bytes of this machine's journals".into(),
        found: bytes,
    });
    Ok(places)
}

#[derive(Row, Deserialize)]
struct Detached {
    table: String,
    parts: u64,
}

/// Parts that were taken out of their tables by hand or for damage: ClickHouse neither changes nor removes them.
pub(super) async fn detached(client: &Client) -> Result<Vec<String>, Failure> {
    let detached = client.query(DETACHED).fetch_all::<Detached>().await;
    let told = detached.map_err(clickhouse_failed)?.into_iter().map(|it| {
        let Detached { table, parts } = it;
        format!(
            "{parts} detached parts of {table} may hold anything: look at system.detached_parts, and drop or attach them"
        )
    });
    Ok(told.collect())
}

/// What will be erased, before it is.
pub(super) fn overview(ids: &Ids, places: &[Place]) -> String {
    let mut text = format!(
        "{} customer ids, {} visitors, {} clicks, {} conversions, {} page events\n",
        ids.customers.len(),
        ids.visitors.len(),
        ids.clicks.len(),
        ids.events.len(),
        ids.page_events.len()
    );
    for place in places.iter().filter(|place| place.found > 0) {
        text += &format!("{:>10}  {}\n", place.found, place.place);
    }
    text
}

/// What an erasure came to. It tells nothing of the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Receipt {
    /// Whether nothing is left anywhere.
    pub(super) clean: bool,
    /// The workspace that knew the person.
    pub(super) workspace: String,
    /// How the person was named, and the name under a key of this installation.
    pub(super) person: Subject,
    /// When it was done.
    pub(super) finished_at: jiff::Timestamp,
    /// What was found where, and what of it is left.
    pub(super) places: Vec<Line>,
    /// How many bytes of delivered records were overwritten in this machine's journals, whosever they were.
    pub(super) overwritten_bytes: u64,
    /// What could not be reached, and what is to be done about it.
    pub(super) left_elsewhere: Vec<String>,
}

/// A line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// Where.
    pub(super) place: String,
    /// What was there before.
    pub(super) found: u64,
    /// What is there now.
    pub(super) left: u64,
}

impl Receipt {
    /// Of what was found before and after.
    pub(super) fn of(
        found: &Found,
        before: Vec<Place>,
        after: Vec<Place>,
        overwritten_bytes: u64,
        left_elsewhere: Vec<String>,
    ) -> Self {
        let places: Vec<Line> = before
            .into_iter()
            .zip(after)
            .map(|(before, after)| Line {
                place: before.place,
                found: before.found,
                left: after.found,
            })
            .collect();
        Self {
            clean: left_elsewhere.is_empty() && places.iter().all(|line| line.left == 0),
            workspace: found.workspace.clone(),
            person: found.subject.clone(),
            finished_at: jiff::Timestamp::now(),
            places,
            overwritten_bytes,
            left_elsewhere,
        }
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut text = format!("{:>10}{:>10}  place\n", "found", "left");
        for Line { place, found, left } in &self.places {
            text += &format!("{found:>10}{left:>10}  {place}\n");
        }
        text += &format!(
            "{} bytes of delivered records were overwritten in this machine's journals\n",
            self.overwritten_bytes
        );
        for left in &self.left_elsewhere {
            text += &format!("NOT DONE: {left}\n");
        }
        text += match self.clean {
            true => "erased: nothing is left\n",
            false => {
                "NOT ERASED: something is left; `whence erase --resume` goes on where this has ended\n"
            }
        };
        text
    }
}
