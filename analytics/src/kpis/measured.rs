//! What is counted for a range: what ClickHouse is asked for it, and the numbers that come of it.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use clickhouse::query::Query as Statement;
use clickhouse::{Row, RowOwned, RowRead};
use serde::Deserialize;
use whence_core::problem::Problem;

use super::enrolled::{self, Enrolled};
use super::ledger::{Ledger, Told};
use super::question::{Question, Stretch};
use crate::api::Api;
use crate::reports::money::Sums;
use crate::reports::warehouse::Read;

/// Leads and sales of a workspace: some 200 MB.
const MOST_TOLD: usize = 1_000_000;
/// Shares of a stretch of time.
const MOST_SHARES: usize = 1_000_000;

const TOLD: &str = concat!(
    include_str!("../../../sql/reports/open.sql"),
    include_str!("../../../sql/reports/recorded.sql"),
    include_str!("../../../sql/reports/attributed.sql"),
    include_str!("../../../sql/carried/every.sql"),
    include_str!("../../../sql/people/persons.sql"),
    include_str!("../../../sql/kpis/told.sql"),
);
const CLICKS: &str = concat!(
    include_str!("../../../sql/reports/open.sql"),
    include_str!("../../../sql/carried/every.sql"),
    include_str!("../../../sql/kpis/clicks.sql"),
);
const SHARERS: &str = include_str!("../../../sql/kpis/sharers.sql");
const SHARES: &str = include_str!("../../../sql/kpis/shares.sql");

/// What is counted by people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Customers {
    /// People whose first conversion is in the range.
    pub(super) new_people: u64,
    /// Of them those who were referred.
    pub(super) new_referred: u64,
    /// Customers by the end of the range.
    pub(super) customers: u64,
    /// Customers before it.
    pub(super) earlier_customers: u64,
    /// Customers with a conversion in it.
    pub(super) active_customers: u64,
    /// Of the customers those who referred somebody new in the range.
    pub(super) customers_who_referred: u64,
    /// Of the customers those whose links were clicked in it.
    pub(super) customers_who_were_clicked: u64,
    /// Of the active ones those who shared in it.
    pub(super) active_who_shared: u64,
    /// Advocates whose links were clicked in the range, customers or not.
    pub(super) clicked_advocates: u64,
    /// Of them those who referred somebody new in it.
    pub(super) clicked_advocates_who_referred: u64,
    /// Who shared in the range, customers or not.
    pub(super) sharers: u64,
    /// Members of the cohort whose window is over.
    pub(super) members: u64,
    /// Those whose window is not.
    pub(super) open_members: u64,
    /// Of the members, within the window from their own first conversion on: who referred somebody.
    pub(super) members_who_referred: u64,
    /// Who shared.
    pub(super) members_who_shared: u64,
    /// How many people they referred.
    pub(super) members_referred: u64,
    /// How often they shared.
    pub(super) members_shared: u64,
    /// How many of those whom they referred came at or after a share of theirs.
    pub(super) members_invited: u64,
    /// From the member's first conversion to that of whom it referred, in the middle.
    pub(super) median_cycle_ms: i64,
    /// From the member's last share before to that.
    pub(super) median_invite_ms: i64,
}

/// Clicks on advocates' links in the range, and what they led to within the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clicks {
    /// All of them.
    pub(super) clicks: u64,
    /// Those that led to a lead of somebody else than the advocate.
    pub(super) led_clicks: u64,
    /// To a sale.
    pub(super) sold_clicks: u64,
    /// Those that have not led to a lead, and may still.
    pub(super) open_led_clicks: u64,
    /// To a sale.
    pub(super) open_sold_clicks: u64,
    /// The same by visitors.
    pub(super) visitors: u64,
    /// The same by visitors.
    pub(super) led_visitors: u64,
    /// The same by visitors.
    pub(super) sold_visitors: u64,
    /// The same by visitors.
    pub(super) open_led_visitors: u64,
    /// The same by visitors.
    pub(super) open_sold_visitors: u64,
}

/// Leads and sales by when they happened.
#[derive(Clone, Debug, Default)]
pub(super) struct Conversions {
    /// Of the range.
    pub(super) leads: u64,
    /// Of the range.
    pub(super) sales: u64,
    /// Those owed to a click on another's advocate link.
    pub(super) referred_leads: u64,
    /// Those owed to a click on another's advocate link.
    pub(super) referred_sales: u64,
    /// Whenever they happened.
    pub(super) leads_ever: u64,
    /// Whenever they happened.
    pub(super) sales_ever: u64,
    /// Of the range, and nobody's.
    pub(super) nameless: u64,
    /// What the sales of the range were worth, net.
    pub(super) revenue: Sums,
    /// What the referred ones were.
    pub(super) referred_revenue: Sums,
    /// What those of people were whose first conversion was referred.
    pub(super) revenue_of_referred: Sums,
}

/// A channel with whom it won and what it earned.
#[derive(Clone, Debug, Default)]
pub(super) struct Won {
    /// Referred people whose first conversion is in the range and came through it.
    pub(super) acquired: u64,
    /// What they have earned since, by currency and day since their first conversion.
    pub(super) earned: BTreeMap<(String, i64), i128>,
    /// What referred sales of the range through it were worth, whoever's.
    pub(super) revenue: BTreeMap<String, i128>,
}

/// The row of `sql/kpis/clicks.sql`, which says what each field is.
#[derive(Debug, Default, Row, Deserialize)]
pub(super) struct Selected {
    pub(super) clicks: u64,
    pub(super) open_clicks: u64,
    pub(super) visitors: u64,
    pub(super) open_visitors: u64,
    pub(super) open_converters: Vec<u128>,
    pub(super) advocates: Vec<u128>,
}

/// The row of `sql/kpis/shares.sql`, which says what each field is.
#[derive(Clone, Copy, Debug, Default, Row, Deserialize)]
pub(super) struct Shares {
    pub(super) shares: u64,
    pub(super) ever: u64,
    pub(super) links: u64,
    pub(super) open_links: u64,
    pub(super) clicked_links: u64,
}

/// A row of `sql/kpis/sharers.sql`.
#[derive(Clone, Copy, Debug, Row, Deserialize)]
pub(super) struct Sharer {
    pub(super) person: u128,
    pub(super) at: i64,
}

/// All that is counted for a range.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) customers: Customers,
    pub(super) clicks: Clicks,
    pub(super) conversions: Conversions,
    pub(super) shares: Shares,
    /// Where it was asked for and can be told.
    pub(super) enrolled: Option<Enrolled>,
    /// By channel; empty where no costs are given.
    pub(super) won: BTreeMap<String, Won>,
}

/// What was read for a stretch of time, not yet held against the ledger.
#[derive(Debug)]
pub(super) struct Gathered {
    selected: Selected,
    sharers: Vec<Sharer>,
    shares: Shares,
    enrolled: Option<Enrolled>,
}

impl Gathered {
    /// What comes of it.
    pub(super) fn measure(
        self,
        ledger: &Ledger,
        question: &Question,
        stretch: &Stretch,
    ) -> Measured {
        let range = &stretch.range;
        Measured {
            customers: ledger.customers(stretch, &self.selected, &self.sharers),
            clicks: ledger.clicks(range, &self.selected),
            conversions: ledger.conversions(range),
            shares: self.shares,
            enrolled: self.enrolled,
            won: match question.costs.is_empty() {
                true => BTreeMap::new(),
                false => ledger.won(range),
            },
        }
    }
}

/// Reads every lead and sale of the workspace.
pub(super) async fn told(api: &Api, question: &Question) -> Result<(Vec<Told>, Read), Problem> {
    let put = |statement: Statement| {
        question
            .put(statement, &question.stretch)
            .param("most", MOST_TOLD + 1)
    };
    let (told, read) = api
        .warehouse
        .ask_text::<Told>(&question.workspace, "kpis_told", TOLD, put)
        .await?;
    bounded(told.len(), MOST_TOLD, "leads and sales")?;
    Ok((told, read))
}

/// Reads what else is needed for a stretch of time.
pub(super) async fn gather(
    api: &Api,
    question: &Question,
    stretch: &Stretch,
) -> Result<(Gathered, Read), Problem> {
    let (warehouse, of) = (&api.warehouse, &question.workspace);
    let put = |statement: Statement| question.put(statement, stretch);
    let put_shares = |statement: Statement| {
        let (range, cohort) = (&stretch.range, &stretch.cohort);
        let last = cohort.to.as_millisecond() + question.window.as_ms();
        put(statement)
            .param(
                "shared_from_ms",
                range.from.min(cohort.from).as_millisecond(),
            )
            .param("shared_to_ms", range.to.as_millisecond().max(last))
            .param("most", MOST_SHARES + 1)
    };
    let enrolled = async {
        match question.asks("participation") {
            true => enrolled::count(api, question, stretch).await,
            false => Ok((None, Read::NOTHING)),
        }
    };
    let (selected, sharers, shares, enrolled) = tokio::try_join!(
        warehouse.ask_text::<Selected>(of, "kpis_clicks", CLICKS, put),
        warehouse.ask_text::<Sharer>(of, "kpis_sharers", SHARERS, put_shares),
        warehouse.ask_text::<Shares>(of, "kpis_shares", SHARES, put),
        enrolled,
    )?;
    bounded(sharers.0.len(), MOST_SHARES, "shares")?;
    let gathered = Gathered {
        selected: one(selected.0),
        sharers: sharers.0,
        shares: one(shares.0),
        enrolled: enrolled.0,
    };
    Ok((gathered, selected.1 + sharers.1 + shares.1 + enrolled.1))
}

/// Of a statement that answers with one row; none is all zeros.
fn one<T: RowOwned + RowRead + Default>(rows: Vec<T>) -> T {
    rows.into_iter().next().unwrap_or_default()
}

/// Refuses what would not fit into memory beside other questions.
fn bounded(found: usize, most: usize, what: &str) -> Result<(), Problem> {
    match found <= most {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("there are more than {most} {what}: too many for KPIs to be told"),
        )),
    }
}
