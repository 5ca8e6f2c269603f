//! Customers who have a link as its advocate, clicked or not: only the link store knows.

use std::collections::HashSet;

use clickhouse::Row;
use clickhouse::query::Query as Statement;
use serde::Deserialize;
use whence_core::problem::Problem;

use super::question::{Question, Stretch};
use crate::api::Api;
use crate::problems::store_problem;
use crate::reports::warehouse::Read;

/// How many links are looked at: half a second's work of the store. Of more it is not told.
pub(super) const MOST_LINKS: usize = 50_000;
/// How many customers are compared with them: some megabytes.
pub(super) const MOST_CUSTOMERS: usize = 100_000;
/// How many links are read at a time: of the longest that there are 30 MiB, of usual ones some hundred KiB.
const PART: usize = 500;

const NAMED: &str = include_str!("../../../sql/kpis/named.sql");

/// Customers of a range, and those of them who have a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Enrolled {
    /// Whom a conversion of the range names.
    pub(super) customers: u64,
    /// Those of them who are the advocate of a link that is stored now.
    pub(super) advocates: u64,
}

#[derive(Row, Deserialize)]
struct Named {
    customer: String,
}

/// Counts them; nothing where there are too many links or customers.
pub(super) async fn count(
    api: &Api,
    question: &Question,
    stretch: &Stretch,
) -> Result<(Option<Enrolled>, Read), Problem> {
    let put = |statement: Statement| {
        question
            .put(statement, stretch)
            .param("most", MOST_CUSTOMERS + 1)
    };
    let asked = api
        .warehouse
        .ask_text::<Named>(&question.workspace, "kpis_named", NAMED, put);
    let (named, read) = asked.await?;
    if named.len() > MOST_CUSTOMERS {
        return Ok((None, read));
    }
    let Some(advocates) = advocates(api, question).await? else {
        return Ok((None, read));
    };
    let has_link = |named: &&Named| advocates.contains(&named.customer);
    let enrolled = Enrolled {
        customers: named.len() as u64,
        advocates: named.iter().filter(has_link).count() as u64,
    };
    Ok((Some(enrolled), read))
}

/// The advocates of all links, or of those of the program; nothing where there are too many links.
async fn advocates(api: &Api, question: &Question) -> Result<Option<HashSet<String>>, Problem> {
    let mut advocates = HashSet::new();
    let (mut before, mut looked_at) = (None, 0);
    loop {
        let links = api.store.links(&question.workspace, before, PART).await;
        let links = links.map_err(|error| store_problem(&error))?;
        looked_at += links.len();
        if looked_at > MOST_LINKS {
            return Ok(None);
        }
        before = links.last().map(|link| link.id);
        let is_last = links.len() < PART;
        for link in links {
            let program = link.spec.program.as_ref().map(|program| program.as_str());
            let is_meant = question.program.is_empty() || program == Some(&question.program);
            if let (true, Some(advocate)) = (is_meant, link.spec.advocate) {
                advocates.insert(advocate.as_str().to_owned());
            }
        }
        if is_last {
            return Ok(Some(advocates));
        }
    }
}
