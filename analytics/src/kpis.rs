//! `POST /api/v1/kpis`: the numbers by which referral marketing is judged, each under a name of its own.
//!
//! [`question`] reads what is asked, and [`costs`] what was paid. [`measured`] asks ClickHouse and [`enrolled`] the link store; the
//! [`ledger`] has every lead and sale, and says who became a customer and through whom. The [`catalog`] says which numbers there are, what each is called and by what it is divided;
//! [`variant`] makes rows of them, [`spent`] those that need costs. Who is a person, a customer, an advocate is said in
//! `sql/kpis` and `docs/kpis.md`.

mod answer;
mod catalog;
mod costs;
mod enrolled;
mod ledger;
mod measured;
mod question;
pub(crate) mod route;
mod spent;
mod variant;
