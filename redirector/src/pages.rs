//! What is said in pages of our own: why a link leads nowhere, the form for its password, where it
//! leads, what social networks show of it. No page loads anything from elsewhere, and every text that
//! is not ours is escaped.
//!
//! Which page is shown is [`decide`](crate::decide)'s to say.

mod app;
mod closed;
mod documents;
mod html;
mod inspect;
mod locked;
mod preview;
mod qr;

pub(crate) use app::app;
pub(crate) use closed::{expired, not_found, pending, used_up};
pub(crate) use documents::{Document, named};
pub(crate) use inspect::{inspect, inspect_locked};
pub(crate) use locked::{locked, locked_still};
pub(crate) use preview::preview;
pub(crate) use qr::Qr;
