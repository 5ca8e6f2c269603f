//! Tables and properties of decisions, by step. The real list of crawlers reads agents; places are from a
//! small database of the tests' own.

mod apps;
mod kinds;
mod location;
mod privacy;
mod rules;
mod variants;
mod world;
