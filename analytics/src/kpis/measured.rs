//! What is counted for a range: the rows of `sql/kpis`, asked side by side.

use clickhouse::Row;
use clickhouse::query::Query as Statement;
use serde::Deserialize;
use whence_core::problem::Problem;

use super::enrolled::{self, Enrolled};
use super::question::{Question, Stretch};
use crate::api::Api;
use crate::reports::money::Sums;
use crate::reports::warehouse::Read;

/// A statement that stands behind `sql/kpis/told.sql`.
macro_rules! told {
    ($file:literal) => {
        concat!(
            include_str!("../../../sql/attribution/open.sql"),
            include_str!("../../../sql/reports/attributed.sql"),
            include_str!("../../../sql/people/persons.sql"),
            include_str!("../../../sql/kpis/told.sql"),
            include_str!(concat!("../../../sql/kpis/", $file)),
        )
    };
}

const CUSTOMERS: &str = told!("customers.sql");
const CLICKS: &str = told!("clicks.sql");
const CONVERSIONS: &str = told!("conversions.sql");
const COSTS: &str = told!("costs.sql");
const SHARES: &str = include_str!("../../../sql/kpis/shares.sql");

/// The row of `sql/kpis/customers.sql`. What each number is, here and below, is said by the statement.
#[derive(Clone, Debug, Default, Row, Deserialize)]
pub(super) struct Customers {
    pub(super) new_people: u64,
    pub(super) new_referred: u64,
    pub(super) customers: u64,
    pub(super) earlier_customers: u64,
    pub(super) active_customers: u64,
    pub(super) customers_who_referred: u64,
    pub(super) customers_who_were_clicked: u64,
    pub(super) active_who_shared: u64,
    pub(super) clicked_advocates: u64,
    pub(super) clicked_advocates_who_referred: u64,
    pub(super) sharers: u64,
    pub(super) members: u64,
    pub(super) open_members: u64,
    pub(super) members_who_referred: u64,
    pub(super) members_who_shared: u64,
    pub(super) members_referred: u64,
    pub(super) members_shared: u64,
    pub(super) members_invited: u64,
    pub(super) median_cycle_ms: i64,
    pub(super) median_invite_ms: i64,
}

/// The row of `sql/kpis/clicks.sql`.
#[derive(Clone, Debug, Default, Row, Deserialize)]
pub(super) struct Clicks {
    pub(super) clicks: u64,
    pub(super) led_clicks: u64,
    pub(super) sold_clicks: u64,
    pub(super) open_led_clicks: u64,
    pub(super) open_sold_clicks: u64,
    pub(super) visitors: u64,
    pub(super) led_visitors: u64,
    pub(super) sold_visitors: u64,
    pub(super) open_led_visitors: u64,
    pub(super) open_sold_visitors: u64,
}

/// The row of `sql/kpis/conversions.sql`.
#[derive(Clone, Debug, Default, Row, Deserialize)]
pub(super) struct Conversions {
    pub(super) leads: u64,
    pub(super) sales: u64,
    pub(super) referred_leads: u64,
    pub(super) referred_sales: u64,
    pub(super) leads_ever: u64,
    pub(super) sales_ever: u64,
    pub(super) nameless: u64,
    pub(super) currencies: Vec<String>,
    pub(super) revenue: Sums,
    pub(super) referred_revenue: Sums,
    pub(super) revenue_of_referred: Sums,
}

/// The row of `sql/kpis/shares.sql`.
#[derive(Clone, Debug, Default, Row, Deserialize)]
pub(super) struct Shares {
    pub(super) shares: u64,
    pub(super) ever: u64,
    pub(super) links: u64,
    pub(super) open_links: u64,
    pub(super) clicked_links: u64,
}

/// A row of `sql/kpis/costs.sql`: a channel with whom it won and what it earned.
#[derive(Clone, Debug, Default, Row, Deserialize)]
pub(super) struct Won {
    pub(super) channel: String,
    pub(super) acquired: u64,
    pub(super) earned: (Vec<(String, i64)>, Vec<i128>),
    pub(super) revenue: Sums,
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
    pub(super) won: Vec<Won>,
}

/// Counts everything that the question needs for a stretch of time.
pub(super) async fn measure(
    api: &Api,
    question: &Question,
    stretch: &Stretch,
) -> Result<(Measured, Read), Problem> {
    let ask = Ask {
        api,
        question,
        stretch,
    };
    let won = async {
        match question.costs.is_empty() {
            true => Ok((Vec::new(), nothing())),
            false => ask.rows::<Won>("kpis_costs", COSTS).await,
        }
    };
    let enrolled = async {
        match question.asks("participation") {
            true => enrolled::count(api, question, stretch).await,
            false => Ok((None, nothing())),
        }
    };
    let (customers, clicks, conversions, shares, won, enrolled) = tokio::try_join!(
        ask.one::<Customers>("kpis_customers", CUSTOMERS),
        ask.one::<Clicks>("kpis_clicks", CLICKS),
        ask.one::<Conversions>("kpis_conversions", CONVERSIONS),
        ask.one::<Shares>("kpis_shares", SHARES),
        won,
        enrolled,
    )?;
    let read = customers.1 + clicks.1 + conversions.1 + shares.1 + won.1 + enrolled.1;
    let measured = Measured {
        customers: customers.0,
        clicks: clicks.0,
        conversions: conversions.0,
        shares: shares.0,
        enrolled: enrolled.0,
        won: won.0,
    };
    Ok((measured, read))
}

/// What was not asked cost nothing.
pub(super) fn nothing() -> Read {
    Read {
        rows: Some(0),
        bytes: Some(0),
    }
}

/// How a statement is asked for a stretch of time.
struct Ask<'a> {
    api: &'a Api,
    question: &'a Question,
    stretch: &'a Stretch,
}

impl Ask<'_> {
    async fn rows<T: clickhouse::RowOwned + clickhouse::RowRead>(
        &self,
        name: &'static str,
        text: &'static str,
    ) -> Result<(Vec<T>, Read), Problem> {
        let put = |statement: Statement| self.question.put(statement, self.stretch);
        let of = &self.question.workspace;
        self.api.warehouse.ask_text::<T>(of, name, text, put).await
    }

    /// Of a statement that answers with one row; none is all zeros.
    async fn one<T: clickhouse::RowOwned + clickhouse::RowRead + Default>(
        &self,
        name: &'static str,
        text: &'static str,
    ) -> Result<(T, Read), Problem> {
        let (rows, read) = self.rows::<T>(name, text).await?;
        Ok((rows.into_iter().next().unwrap_or_default(), read))
    }
}
