//! The one-machine default: everything in as few processes as can be, and nothing to install.
//!
//! Redirecting, collecting and reporting do not belong here; this crate starts the services that do,
//! and the database where there is none. What is done by hand is here too: [`manage`], [`links`] and [`audit`].

pub mod attribute;
pub mod audit;
pub mod classify;
pub mod conversions;
pub mod engine;
pub mod erase;
pub mod export;
pub mod journal;
pub mod links;
pub mod manage;
mod person;
pub mod reclassify;
pub mod up;
