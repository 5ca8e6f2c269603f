//! As much of SQL as an adapter must know: where a statement's FORMAT stands, whether an INSERT's
//! data follows and where it starts, and what only a command-line client could run.
//!
//! Whether a statement is right is for the engine to say; on any doubt the text goes to it unchanged.

mod lexer;
mod statement;

pub(super) use statement::{Scan, Statement, scan};
