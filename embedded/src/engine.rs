//! ClickHouse's engine in a child process, behind ClickHouse's own HTTP interface.
//!
//! `serve` is the child: it loads `libchdb.so` and answers HTTP on loopback, so that whoever speaks to
//! a ClickHouse server speaks to it without knowing. `Supervisor` is the parent's side. It is an
//! adapter and nothing more: what it does not support it refuses by name, and what a statement
//! means is for the engine to say.
//!
//! The way of a query, in the order of the modules: `server` takes the request, `request` reads URL
//! and headers, `pool` grants a connection, `body` carries the data, `run` runs the statement on a
//! blocking thread (`sql`, `codec`, `connection`, `ffi`), and `response` answers.

mod body;
mod codec;
mod connection;
mod exception;
mod ffi;
mod flush;
mod library;
mod lock;
mod pool;
mod request;
mod response;
mod run;
mod serve;
mod server;
mod sql;
mod supervisor;

pub use ffi::LoadError;
pub use library::{LIBRARY_VARIABLE, LibraryError, find as find_library};
pub use lock::LockError;
pub use pool::{BootError, EngineText};
pub use serve::{EngineArgs, PASSWORD_VARIABLE, ServeError, serve};
pub use supervisor::{StartError, State, Supervisor, SupervisorOptions};
