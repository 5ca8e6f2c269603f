//! Finds everything of a person in ClickHouse, and keeps what was found in the table `persons` while it is needed.

use std::collections::HashSet;

use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};
use whence_core::page_event::PageEventId;
use whence_core::process::Failure;

use super::aside;
use super::{Ids, Known, Person, Purpose, Subject};
use crate::journal::Lane;

const FIND_OF_CUSTOMERS: &str = include_str!("../../../sql/person/find_of_customers.sql");
const FIND_VISITORS: &str = include_str!("../../../sql/person/find_visitors.sql");
const FIND_CLICKS: &str = include_str!("../../../sql/person/find_clicks.sql");
const FIND_CUSTOMERS: &str = include_str!("../../../sql/person/find_customers.sql");
const FIND_EVENTS: &str = include_str!("../../../sql/person/find_events.sql");
const FIND_PAGE_EVENTS: &str = include_str!("../../../sql/person/find_page_events.sql");
const IDS: &str = include_str!("../../../sql/person/ids.sql");

/// The most ids of a person that fit in memory at ease. A robot's cookie may have made more clicks.
const MOST_IDS: u64 = 1_000_000;
/// A look that was broken off is forgotten after so long.
const ABANDONED_SECONDS: i64 = 24 * 3600;

/// A row of `persons`.
#[derive(Debug, Row, Serialize)]
struct Part<'a> {
    request: &'a str,
    workspace: &'a str,
    /// The number of the kind.
    kind: i8,
    id: u128,
    name: &'a str,
    stand_in: &'a str,
}

const SUBJECT: i8 = 1;
const SALT: i8 = 2;
const VISITOR: i8 = 3;
const CLICK: i8 = 4;
const CUSTOMER: i8 = 5;
const EVENT: i8 = 6;
const STAND_IN: i8 = 7;
const WIPED: i8 = 8;
const PAGE_EVENT: i8 = 9;

/// What was found of a person, under a name of its own.
pub(crate) struct Found {
    client: Client,
    /// The request's name: random.
    pub(crate) request: String,
    /// The workspace that knows the person.
    pub(crate) workspace: String,
    /// What was asked.
    pub(crate) subject: Subject,
}

impl Found {
    /// Begins a request.
    pub(crate) async fn begin(
        client: &Client,
        person: &Person,
        subject: Subject,
    ) -> Result<Self, Failure> {
        let mut request = [0; 16];
        getrandom::fill(&mut request).map_err(Failure::runtime)?;
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(Failure::runtime)?;
        let found = Self {
            client: client.clone(),
            request: request.iter().map(|byte| format!("{byte:02x}")).collect(),
            workspace: person.workspace.to_string(),
            subject,
        };
        let subject = serde_json::to_string(&found.subject).map_err(Failure::runtime)?;
        let (kind, id, name) = match &person.known {
            Known::Customer(customer) => (CUSTOMER, 0, customer.as_str()),
            Known::Visitor(visitor) => (VISITOR, visitor.0, ""),
            Known::Click(click) => (CLICK, click.0, ""),
        };
        let salt = u128::from_le_bytes(salt);
        found
            .write([(SUBJECT, 0, &*subject), (SALT, salt, ""), (kind, id, name)])
            .await?;
        Ok(found)
    }

    /// Finds everything that leads from one to the other: a customer's conversions name clicks and visitors, a click has
    /// a visitor, a visitor has more clicks, and these have led to conversions. What was set aside in `lanes` is looked
    /// through too.
    ///
    /// A browser that several customers have used leads to none of them: whose clicks are whose cannot be told.
    pub(crate) async fn all(&self, person: &Person, lanes: &[Lane]) -> Result<Ids, Failure> {
        if !matches!(person.known, Known::Customer(_)) {
            self.run(FIND_VISITORS).await?;
            self.run(FIND_CLICKS).await?;
            self.run(FIND_CUSTOMERS).await?;
            let customers = self.ids(&["customer"]).await?.customers.len();
            if customers > 1 {
                return Err(Failure::Config(format!(
                    "this browser's clicks have led to {customers} customers; name the one who asks with --customer"
                )));
            }
        }
        self.refresh(lanes).await?;
        let ids = self.every_id().await?;
        if ids.visitors.len() as u64 > person.most_visitors {
            return Err(Failure::Config(format!(
                "that is {} visitors, which is hardly one person; --most-visitors says how many may be",
                ids.visitors.len()
            )));
        }
        Ok(ids)
    }

    /// Finds what has come since.
    pub(crate) async fn refresh(&self, lanes: &[Lane]) -> Result<(), Failure> {
        for find in [
            FIND_OF_CUSTOMERS,
            FIND_VISITORS,
            FIND_CLICKS,
            FIND_EVENTS,
            FIND_PAGE_EVENTS,
        ] {
            self.run(find).await?;
        }
        let mut ids = self.every_id().await?;
        let known = ids.clone();
        if aside::gather(lanes, &mut ids)? {
            self.add(&ids, &known).await?;
            for find in [FIND_VISITORS, FIND_CLICKS, FIND_EVENTS, FIND_PAGE_EVENTS] {
                self.run(find).await?;
            }
        }
        Ok(())
    }

    /// Everything that was found.
    pub(crate) async fn every_id(&self) -> Result<Ids, Failure> {
        self.ids(&["visitor", "click", "customer", "event", "page_event"])
            .await
    }

    /// From now on this is an erasure, and is to be finished; `stand_in` says what an event is called from then on.
    pub(crate) async fn is_to_be_erased(&mut self) -> Result<(), Failure> {
        self.subject.purpose = Purpose::Erase;
        let subject = serde_json::to_string(&self.subject).map_err(Failure::runtime)?;
        self.write([(SUBJECT, 0, &*subject)]).await
    }

    /// Notes what each event is called once it is erased.
    pub(crate) async fn name_events(
        &self,
        ids: &Ids,
        stand_in: impl Fn(&str) -> String,
    ) -> Result<(), Failure> {
        let named: Vec<(&str, String)> = ids
            .events
            .iter()
            .map(|event| (event.as_str(), stand_in(event)))
            .filter(|(event, stand_in)| event != stand_in)
            .collect();
        let parts = named.iter().map(|(name, stand_in)| Part {
            name,
            stand_in,
            ..self.part(STAND_IN)
        });
        self.insert(parts).await
    }

    /// Notes what each page event is called once it is erased.
    pub(crate) async fn name_page_events(
        &self,
        ids: &Ids,
        stand_in: impl Fn(PageEventId) -> PageEventId,
    ) -> Result<(), Failure> {
        let named: Vec<(u128, String)> = ids
            .page_events
            .iter()
            .map(|id| (*id, stand_in(PageEventId(*id)).0.to_string()))
            .collect();
        let parts = named.iter().map(|(id, stand_in)| Part {
            id: *id,
            stand_in,
            ..self.part(PAGE_EVENT)
        });
        self.insert(parts).await
    }

    /// The salt of this request's stand-ins.
    pub(crate) async fn salt(&self) -> Result<u128, Failure> {
        let rows = self.rows(&["salt"], 1).await?;
        let salt = rows.first().map(|row| row.id);
        salt.ok_or_else(|| Failure::Runtime(format!("the request {} has no salt", self.request)))
    }

    /// Notes that the files of these lanes were gone through.
    pub(crate) async fn were_wiped(&self, lanes: &[u64]) -> Result<(), Failure> {
        let lanes = lanes.iter().map(|lane| (WIPED, u128::from(*lane), ""));
        self.write(lanes).await
    }

    /// The lanes whose files were gone through.
    pub(crate) async fn wiped(&self) -> Result<HashSet<u64>, Failure> {
        let rows = self.rows(&["wiped"], MOST_IDS).await?.into_iter();
        Ok(rows.filter_map(|row| u64::try_from(row.id).ok()).collect())
    }

    /// A question or a change about the person: its parameters are the request and the workspace.
    pub(crate) fn query(&self, text: &str) -> clickhouse::query::Query {
        self.client
            .query(text)
            .param("request", self.request.as_str())
            .param("workspace", self.workspace.as_str())
    }

    /// Makes a change, and answers once it is made.
    pub(crate) async fn run(&self, text: &str) -> Result<(), Failure> {
        let query = self
            .query(text)
            // What is inserted here is not a journal's block: the same rows again are meant.
            .with_setting("insert_deduplicate", "0")
            .with_setting("async_insert", "0")
            .with_setting("mutations_sync", "2");
        query.execute().await.map_err(clickhouse_failed)
    }

    /// Forgets what was found.
    pub(crate) async fn forget(self) -> Result<(), Failure> {
        forget(&self.client, &self.request).await
    }

    async fn ids(&self, kinds: &[&str]) -> Result<Ids, Failure> {
        let rows = self.rows(kinds, MOST_IDS + 1).await?;
        if rows.len() as u64 > MOST_IDS {
            return Err(Failure::Runtime(format!(
                "that is more than {MOST_IDS} ids, which is no person"
            )));
        }
        let mut ids = Ids {
            workspace: self.workspace.clone(),
            ..Ids::default()
        };
        for Id { kind, id, name } in rows {
            match kind.as_str() {
                "visitor" => drop(ids.visitors.insert(id)),
                "click" => drop(ids.clicks.insert(id)),
                "customer" => drop(ids.customers.insert(name)),
                "page_event" => drop(ids.page_events.insert(id)),
                _ => drop(ids.events.insert(name)),
            }
        }
        Ok(ids)
    }

    async fn rows(&self, kinds: &[&str], most: u64) -> Result<Vec<Id>, Failure> {
        let query = self.query(IDS).param("kinds", kinds).param("most", most);
        query.fetch_all().await.map_err(clickhouse_failed)
    }

    /// Adds what is in `ids` and not in `known`.
    async fn add(&self, ids: &Ids, known: &Ids) -> Result<(), Failure> {
        let numbers = |kind, all: &HashSet<u128>, known: &HashSet<u128>| {
            let new: Vec<_> = all.difference(known).map(|id| (kind, *id, "")).collect();
            new
        };
        let visitors = numbers(VISITOR, &ids.visitors, &known.visitors);
        let clicks = numbers(CLICK, &ids.clicks, &known.clicks);
        let events = ids.events.difference(&known.events);
        let events = events.map(|name| (EVENT, 0, name.as_str()));
        let page_events = numbers(PAGE_EVENT, &ids.page_events, &known.page_events);
        let numbers = visitors.into_iter().chain(clicks).chain(page_events);
        self.write(numbers.chain(events)).await
    }

    async fn write<'p>(
        &self,
        parts: impl IntoIterator<Item = (i8, u128, &'p str)>,
    ) -> Result<(), Failure> {
        let parts = parts.into_iter().map(|(kind, id, name)| Part {
            id,
            name,
            ..self.part(kind)
        });
        self.insert(parts).await
    }

    fn part(&self, kind: i8) -> Part<'_> {
        Part {
            request: &self.request,
            workspace: &self.workspace,
            kind,
            id: 0,
            name: "",
            stand_in: "",
        }
    }

    async fn insert<'p>(&self, parts: impl Iterator<Item = Part<'p>>) -> Result<(), Failure> {
        let insert = self.client.insert::<Part<'_>>("persons").await;
        let mut insert = insert
            .map_err(clickhouse_failed)?
            .with_setting("async_insert", "0");
        for part in parts {
            insert.write(&part).await.map_err(clickhouse_failed)?;
        }
        insert.end().await.map_err(clickhouse_failed)
    }
}

#[derive(Row, Deserialize)]
struct Id {
    kind: String,
    id: u128,
    name: String,
}

#[derive(Row, Deserialize)]
struct Asked {
    request: String,
    workspace: String,
    name: String,
}

/// The erasures that were begun and are not finished, the oldest first.
pub(crate) async fn open_erasures(client: &Client) -> Result<Vec<Found>, Failure> {
    let mut open: Vec<Found> = Vec::new();
    for (request, workspace, subject) in asked(client).await? {
        if subject.purpose == Purpose::Erase {
            open.push(Found {
                client: client.clone(),
                request,
                workspace,
                subject,
            });
        }
    }
    open.sort_by_key(|found| found.subject.begun_at);
    Ok(open)
}

/// Forgets looks that were broken off.
pub(crate) async fn clear_abandoned(client: &Client) -> Result<(), Failure> {
    let asked = asked(client).await?;
    let now = jiff::Timestamp::now().as_second();
    for (request, _, subject) in &asked {
        let is_erased = asked
            .iter()
            .any(|(other, _, it)| other == request && it.purpose == Purpose::Erase);
        if !is_erased && subject.begun_at.as_second() + ABANDONED_SECONDS < now {
            forget(client, request).await?;
        }
    }
    Ok(())
}

async fn asked(client: &Client) -> Result<Vec<(String, String, Subject)>, Failure> {
    const ASKED: &str = "SELECT DISTINCT request, toString(workspace) AS workspace, name FROM persons WHERE kind = 'subject'";
    let rows = client.query(ASKED).fetch_all::<Asked>().await;
    let rows = rows.map_err(clickhouse_failed)?.into_iter();
    let read = rows.map(|row| {
        let subject = serde_json::from_str(&row.name);
        let unknown =
            |error| Failure::Runtime(format!("the request {} in persons: {error}", row.request));
        Ok((
            row.request.clone(),
            row.workspace,
            subject.map_err(unknown)?,
        ))
    });
    read.collect()
}

async fn forget(client: &Client, request: &str) -> Result<(), Failure> {
    let query = client.query("ALTER TABLE persons DROP PARTITION {request:String}");
    let dropped = query.param("request", request).execute().await;
    dropped.map_err(clickhouse_failed)
}

/// What is told when ClickHouse does not do as it is asked.
pub(crate) fn clickhouse_failed(error: clickhouse::error::Error) -> Failure {
    Failure::Runtime(format!("ClickHouse: {error}"))
}
