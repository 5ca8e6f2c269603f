//! The engine's C interface, as `libchdb.so` exports it: symbols and nothing else.
//!
//! The package ships no header and the library is looked for at run time, so that a build needs
//! neither; each signature was checked against the header of the same release. Everything safe
//! about these calls is in `connection`.
#![allow(unsafe_code)] // One of the two homes of unsafe code: calls into the engine's C interface.

use std::ffi::{c_char, c_int, c_void};
use std::path::{Path, PathBuf};

use libloading::Library;
use thiserror::Error;

/// A connection: the engine's side of one client session.
pub(super) type Connection = *mut c_void;
/// What a statement came to.
pub(super) type Outcome = *mut c_void;
/// An open streaming INSERT.
pub(super) type InsertStream = *mut c_void;

/// The library could not be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file is not a library for this machine, or one of its own needs is missing.
    #[error("cannot load ClickHouse's engine from {}: {source}", path.display())]
    Library {
        /// The file that was tried.
        path: PathBuf,
        /// What the dynamic linker said.
        source: libloading::Error,
    },
    /// The library is of another release.
    #[error("{} does not export `{symbol}`: it is not the release that package-lock.json pins", path.display())]
    Symbol {
        /// The file that was tried.
        path: PathBuf,
        /// The function that is missing.
        symbol: &'static str,
    },
}

/// Declares the table of functions together with its loader, so that no name is written twice.
macro_rules! interface {
    ($($(#[$doc:meta])* $name:ident = $symbol:literal: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of the loaded library.
        pub(super) struct Api {
            $($(#[$doc])* pub(super) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Api {
            /// Loads the library for the rest of the process: its threads outlive every handle, so
            /// it is never unloaded.
            pub(super) fn load(path: &Path) -> Result<&'static Self, LoadError> {
                // SAFETY: the library's initialisers are those of ClickHouse's engine, which this
                // process exists to run; nothing else in it depends on state they change.
                let library = unsafe { Library::new(path) }.map_err(|source| LoadError::Library {
                    path: path.to_owned(),
                    source,
                })?;
                let library = Box::leak(Box::new(library));
                Ok(Box::leak(Box::new(Self {
                    $($name: {
                        // SAFETY: the type is that of the release's header, and the library is leaked.
                        let symbol = unsafe { library.get($symbol) };
                        *symbol.map_err(|_| LoadError::Symbol {
                            path: path.to_owned(),
                            symbol: stringify!($name),
                        })?
                    },)*
                })))
            }
        }
    };
}

interface! {
    /// Keeps the engine's crash handlers out of the process.
    set_signal_handlers_enabled = b"chdb_set_signal_handlers_enabled\0": fn(c_int);
    /// Opens a connection; the first one boots the engine. Null where it fails.
    connect = b"chdb_connect\0": fn(c_int, *mut *mut c_char) -> *mut Connection;
    /// Closes a connection and frees its session.
    close_connection = b"chdb_close_conn\0": fn(*mut Connection);
    /// Runs one statement with its parameters: connection, text, format, names, values, how many.
    query = b"chdb_query_with_params_n\0": fn(
        Connection, *const c_char, usize, *const c_char, usize,
        *const *const c_char, *const usize, *const *const c_char, *const usize, usize
    ) -> Outcome;
    /// Opens a streaming INSERT; the arguments are those of `query`. Ask `insert_error` whether it did.
    insert_open = b"chdb_stream_insert_with_params_n\0": fn(
        Connection, *const c_char, usize, *const c_char, usize,
        *const *const c_char, *const usize, *const *const c_char, *const usize, usize
    ) -> InsertStream;
    /// Hands over data, waiting while the engine is behind; 0 for success.
    insert_append = b"chdb_stream_append\0": fn(InsertStream, *const c_void, usize) -> c_int;
    /// Ends the data and waits for the commit.
    insert_done = b"chdb_stream_done\0": fn(InsertStream) -> Outcome;
    /// Gives the INSERT up.
    insert_cancel = b"chdb_stream_cancel_insert\0": fn(InsertStream);
    /// The error of an INSERT, or null.
    insert_error = b"chdb_stream_insert_error\0": fn(InsertStream) -> *const c_char;
    /// Frees the handle of an INSERT.
    insert_destroy = b"chdb_destroy_insert_stream\0": fn(InsertStream);
    /// The error of an outcome, or null.
    outcome_error = b"chdb_result_error\0": fn(Outcome) -> *const c_char;
    /// The formatted result, or null.
    outcome_buffer = b"chdb_result_buffer\0": fn(Outcome) -> *const c_char;
    /// The length of the formatted result.
    outcome_length = b"chdb_result_length\0": fn(Outcome) -> usize;
    /// Rows in the result.
    outcome_result_rows = b"chdb_result_rows_read\0": fn(Outcome) -> u64;
    /// Bytes in the result, before formatting.
    outcome_result_bytes = b"chdb_result_bytes_read\0": fn(Outcome) -> u64;
    /// Rows read from storage.
    outcome_read_rows = b"chdb_result_storage_rows_read\0": fn(Outcome) -> u64;
    /// Bytes read from storage.
    outcome_read_bytes = b"chdb_result_storage_bytes_read\0": fn(Outcome) -> u64;
    /// Rows written.
    outcome_written_rows = b"chdb_result_rows_written\0": fn(Outcome) -> u64;
    /// Bytes written.
    outcome_written_bytes = b"chdb_result_bytes_written\0": fn(Outcome) -> u64;
    /// Frees an outcome.
    outcome_destroy = b"chdb_destroy_query_result\0": fn(Outcome);
}
