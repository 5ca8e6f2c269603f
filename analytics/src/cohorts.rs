//! `POST /api/v1/cohorts`: people by when and how they came, and what they did from then on; and `POST /api/v1/cohorts/referred`:
//! customers who came through a link beside those who did not.
//!
//! [`question`] reads what is asked of cohorts, [`cut`] cuts their time, [`lives`] counts what ClickHouse says into rows, and
//! [`route`] answers. [`referred`] is the comparison, with [`welch`] for means.

mod cut;
mod lives;
mod question;
pub(crate) mod referred;
pub(crate) mod route;
mod welch;
