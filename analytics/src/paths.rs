//! `POST /api/v1/paths`: the ways that people went to a conversion, or to none.
//!
//! [`question`] reads what is asked, [`route`] asks ClickHouse, [`ways`] counts alike journeys together, [`answer`] tells them.
//! What a touch and a conversion's path is, is the same as in [`crate::attribution`], and read by the same code.

mod answer;
mod question;
pub(crate) mod route;
mod ways;
