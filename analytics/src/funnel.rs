//! `POST /api/v1/funnel`: how many people get how far through steps of clicks, page events and conversions.
//!
//! [`question`] and [`step`] read what is asked, [`statement`] puts the files of `sql/funnel` together for it. ClickHouse counts
//! who entered by a click ([`entries`]), and sends the events of those who may have done more, person by person ([`people`]).
//! [`matching`] says how far one of them got, [`tally`] adds up, [`answer`] tells it. Who is a person is said in `sql/people`, what
//! a conversion is owed to in `sql/reports/attributed.sql`.

mod answer;
mod entries;
mod matching;
mod people;
mod question;
pub(crate) mod route;
mod statement;
mod step;
mod tally;
#[cfg(test)]
mod tests;
