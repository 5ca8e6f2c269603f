//! Safe handles over the C interface: connections, statements, streaming INSERTs.
//!
//! A connection is one session and serves one statement at a time, which `&mut self` says to the
//! compiler. HTTP, formats and the SQL of a request do not belong here.
#![allow(unsafe_code)] // Calls into the engine's C interface.

use std::ffi::{CStr, CString, c_char};

use super::exception::Exception;
use super::ffi::{self, Api};

/// How much a statement read, wrote and returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Rows read from storage.
    pub(super) read_rows: u64,
    /// Bytes read from storage.
    pub(super) read_bytes: u64,
    /// Rows written, those of materialised views too.
    pub(super) written_rows: u64,
    /// Bytes written.
    pub(super) written_bytes: u64,
    /// Rows of the result.
    pub(super) result_rows: u64,
    /// Bytes of the result, before formatting.
    pub(super) result_bytes: u64,
}

/// What a statement that went well came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The formatted result; empty for what went through a pipe.
    pub(super) body: Vec<u8>,
    /// The counters.
    pub(super) tally: Tally,
}

/// The values of `{name:Type}` placeholders, in the form the engine reads them.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters(pub(super) Vec<(Vec<u8>, Vec<u8>)>);

/// Parallel arrays of pointers and lengths, as the C interface takes parameters; they point into
/// the `Parameters` they were made from.
struct ParameterArrays {
    names: Vec<*const c_char>,
    name_lengths: Vec<usize>,
    values: Vec<*const c_char>,
    value_lengths: Vec<usize>,
}

impl Parameters {
    fn arrays(&self) -> ParameterArrays {
        ParameterArrays {
            names: self
                .0
                .iter()
                .map(|(name, _)| name.as_ptr().cast())
                .collect(),
            name_lengths: self.0.iter().map(|(name, _)| name.len()).collect(),
            values: self
                .0
                .iter()
                .map(|(_, value)| value.as_ptr().cast())
                .collect(),
            value_lengths: self.0.iter().map(|(_, value)| value.len()).collect(),
        }
    }
}

/// One session of the engine.
pub(super) struct Connection {
    api: &'static Api,
    handle: *mut ffi::Connection,
}

// SAFETY: the engine ties no state of a connection to the thread that opened it; it only asks that
// the calls on one connection do not overlap, which `&mut self` ensures.
unsafe impl Send for Connection {}

impl Connection {
    /// Leaves signals to the process: to be called before the first connection.
    pub(super) fn keep_signal_handlers_out(api: &Api) {
        // SAFETY: sets a flag of the engine and resets handlers of crash signals, of which this
        // process has none.
        unsafe { (api.set_signal_handlers_enabled)(0) }
    }

    /// Opens a session with arguments such as `--path=DIR` or `--setting=value`.
    pub(super) fn open(api: &'static Api, arguments: &[String]) -> Result<Self, Exception> {
        let arguments = std::iter::once("clickhouse")
            .chain(arguments.iter().map(String::as_str))
            .map(CString::new)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| {
                Exception::bad_arguments("an argument of the connection contains a zero byte")
            })?;
        let mut pointers: Vec<*mut c_char> =
            arguments.iter().map(|a| a.as_ptr().cast_mut()).collect();
        let count = i32::try_from(pointers.len()).expect("a handful of arguments");
        // SAFETY: the engine copies the arguments during the call; both arrays outlive it.
        let handle = unsafe { (api.connect)(count, pointers.as_mut_ptr()) };
        // SAFETY: a non-null result points to the connection.
        if handle.is_null() || unsafe { *handle }.is_null() {
            return Err(Exception::engine(
                "the engine did not open a connection; its data directory may be damaged or of a newer release",
            ));
        }
        Ok(Self { api, handle })
    }

    fn raw(&self) -> ffi::Connection {
        // SAFETY: checked for null in `open`, and freed only in `drop`.
        unsafe { *self.handle }
    }

    /// Runs one statement to its end.
    pub(super) fn query(
        &mut self,
        sql: &[u8],
        format: &str,
        parameters: &Parameters,
    ) -> Result<Outcome, Exception> {
        let arrays = parameters.arrays();
        // SAFETY: every pointer is valid for its length during the call, and the engine copies what it keeps.
        let outcome = unsafe {
            (self.api.query)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                arrays.names.as_ptr(),
                arrays.name_lengths.as_ptr(),
                arrays.values.as_ptr(),
                arrays.value_lengths.as_ptr(),
                arrays.names.len(),
            )
        };
        take_outcome(self.api, outcome)
    }

    /// Opens a streaming INSERT. `sql` carries neither FORMAT nor data.
    pub(super) fn insert(
        &mut self,
        sql: &[u8],
        format: &str,
        parameters: &Parameters,
    ) -> Result<InsertStream<'_>, Exception> {
        let arrays = parameters.arrays();
        // SAFETY: as for `query`.
        let handle = unsafe {
            (self.api.insert_open)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                arrays.names.as_ptr(),
                arrays.name_lengths.as_ptr(),
                arrays.values.as_ptr(),
                arrays.value_lengths.as_ptr(),
                arrays.names.len(),
            )
        };
        let stream = InsertStream {
            connection: self,
            handle,
        };
        match stream.error() {
            Some(error) => Err(error),
            None => Ok(stream),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: no stream borrows the connection any more, and the handle is used no further.
        unsafe { (self.api.close_connection)(self.handle) }
    }
}

/// A streaming INSERT; dropped without `finish` it is given up and commits nothing more.
pub(super) struct InsertStream<'a> {
    connection: &'a mut Connection,
    handle: ffi::InsertStream,
}

impl InsertStream<'_> {
    fn error(&self) -> Option<Exception> {
        // SAFETY: the handle lives until `drop`.
        let text = unsafe { (self.connection.api.insert_error)(self.handle) };
        // SAFETY: the text is zero-terminated and owned by the handle.
        unsafe { owned_text(text) }.map(|text| Exception::parse(&text))
    }

    /// Hands over a piece of data; waits while the engine is behind. False says that the format
    /// has come to its own end and wants no more.
    pub(super) fn append(&mut self, data: &[u8]) -> Result<bool, Exception> {
        // SAFETY: the engine copies the data during the call.
        let state = unsafe {
            (self.connection.api.insert_append)(self.handle, data.as_ptr().cast(), data.len())
        };
        match self.error() {
            Some(error) => Err(error),
            None => Ok(state == 0),
        }
    }

    /// Ends the data and waits for the commit.
    pub(super) fn finish(self) -> Result<Outcome, Exception> {
        // SAFETY: the handle is finished once; `drop` then only frees it.
        let outcome = unsafe { (self.connection.api.insert_done)(self.handle) };
        take_outcome(self.connection.api, outcome)
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        // SAFETY: cancelling a finished stream does nothing; the handle is used no further.
        unsafe {
            (self.connection.api.insert_cancel)(self.handle);
            (self.connection.api.insert_destroy)(self.handle);
        }
    }
}

/// Copies what an outcome holds, and frees it.
fn take_outcome(api: &Api, outcome: ffi::Outcome) -> Result<Outcome, Exception> {
    if outcome.is_null() {
        return Err(Exception::engine("the engine gave no result"));
    }
    // SAFETY: the outcome lives until it is destroyed below, and its texts and buffer with it.
    unsafe {
        let result = match owned_text((api.outcome_error)(outcome)) {
            Some(text) => Err(Exception::parse(&text)),
            None => {
                let buffer = (api.outcome_buffer)(outcome);
                let body = if buffer.is_null() {
                    Vec::new()
                } else {
                    std::slice::from_raw_parts(buffer.cast::<u8>(), (api.outcome_length)(outcome))
                        .to_vec()
                };
                Ok(Outcome {
                    body,
                    tally: Tally {
                        read_rows: (api.outcome_read_rows)(outcome),
                        read_bytes: (api.outcome_read_bytes)(outcome),
                        written_rows: (api.outcome_written_rows)(outcome),
                        written_bytes: (api.outcome_written_bytes)(outcome),
                        result_rows: (api.outcome_result_rows)(outcome),
                        result_bytes: (api.outcome_result_bytes)(outcome),
                    },
                })
            }
        };
        (api.outcome_destroy)(outcome);
        result
    }
}

/// Copies a text of the engine; `None` for null and for an empty one.
///
/// # Safety
/// `text` is null or points to a zero-terminated text.
unsafe fn owned_text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller says so.
    let text = unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned();
    (!text.is_empty()).then_some(text)
}
