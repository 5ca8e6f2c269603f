//! Exceptions as ClickHouse's HTTP interface tells them: a code, a name, a text and an HTTP status.
//!
//! The engine hands out texts only, sometimes wrapped two or three times; they are read into their
//! parts here, once. Which request met the exception does not belong here.

use std::fmt::{self, Write as _};

use hyper::StatusCode;

/// An error in ClickHouse's own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exception {
    /// ClickHouse's number for it.
    pub(super) code: i32,
    /// The name that goes with the number; empty where the engine gave none.
    pub(super) name: String,
    /// The text without code, name and version.
    pub(super) message: String,
}

/// Makes one constructor for each exception that the adapter raises itself.
macro_rules! raised_here {
    ($($(#[$doc:meta])* $function:ident = $code:literal $name:literal;)*) => {
        impl Exception {
            $($(#[$doc])* pub(super) fn $function(message: impl Into<String>) -> Self {
                Self { code: $code, name: $name.to_owned(), message: message.into() }
            })*
        }
    };
}

raised_here! {
    /// A malformed parameter or header.
    bad_arguments = 36 "BAD_ARGUMENTS";
    /// Something that ClickHouse's server has and this adapter has not.
    not_implemented = 48 "NOT_IMPLEMENTED";
    /// The statement is not one.
    syntax_error = 62 "SYNTAX_ERROR";
    /// A format whose name is no name.
    unknown_format = 73 "UNKNOWN_FORMAT";
    /// A statement that only a command-line client can run.
    unknown_type_of_query = 78 "UNKNOWN_TYPE_OF_QUERY";
    /// A setting whose name is no name.
    unknown_setting = 115 "UNKNOWN_SETTING";
    /// Compressed data that is not what it says.
    incorrect_data = 117 "INCORRECT_DATA";
    /// The query text is longer than the bound.
    query_is_too_large = 229 "QUERY_IS_TOO_LARGE";
    /// No connection became free.
    too_many_queries = 202 "TOO_MANY_SIMULTANEOUS_QUERIES";
    /// The client stopped sending or reading.
    socket_timeout = 209 "SOCKET_TIMEOUT";
    /// Reading the request failed.
    network_error = 210 "NETWORK_ERROR";
    /// The engine is stopping.
    aborted = 236 "ABORTED";
    /// A file on the server's side was asked for.
    into_outfile_not_allowed = 358 "INTO_OUTFILE_NOT_ALLOWED";
    /// The query was given up.
    cancelled = 394 "QUERY_WAS_CANCELLED";
    /// Wrong user or password.
    authentication_failed = 516 "AUTHENTICATION_FAILED";
    /// The engine failed without a text of its own.
    engine = 1002 "UNKNOWN_EXCEPTION";
}

impl Exception {
    /// Reads an engine's text such as `Code: 60. DB::Exception: … (UNKNOWN_TABLE) (version 26.7)`.
    pub(super) fn parse(text: &str) -> Self {
        let mut rest = text.trim();
        let mut code = None;
        while let Some((inner, after)) = split_prefix(rest) {
            code.get_or_insert(inner);
            rest = after;
        }
        let Some(code) = code else {
            return Self::engine(rest);
        };
        let mut name = "";
        loop {
            let before = rest;
            rest = rest.trim_end().trim_end_matches('.').trim_end();
            if let Some(cut) = strip_group(rest, |inside| inside.starts_with("version ")) {
                rest = cut;
            }
            if let Some(cut) = strip_group(rest, is_name) {
                if name.is_empty() {
                    name = &rest[cut.len()..];
                }
                rest = cut.trim_end();
            }
            if rest == before {
                break;
            }
        }
        Self {
            code,
            name: name.trim().trim_matches(['(', ')']).to_owned(),
            message: rest.to_owned(),
        }
    }

    /// The text of the response.
    pub(super) fn render(&self, version: &str) -> String {
        let mut text = self.to_string();
        let _ = write!(text, " (version {version} (embedded))");
        text
    }

    /// The HTTP status that ClickHouse's server gives for this code, with one of our own for a full queue.
    pub(super) fn status(&self) -> StatusCode {
        match self.code {
            194 => StatusCode::UNAUTHORIZED,
            192 | 193 | 497 | 512 | 516 => StatusCode::FORBIDDEN,
            6 | 8 | 15 | 25 | 26 | 27 | 36 | 37 | 38 | 41 | 44 | 53 | 62 | 72 | 117 | 123 | 167
            | 168 | 223 | 321 | 376 | 427 | 441 | 675 | 676 => StatusCode::BAD_REQUEST,
            46 | 47 | 50 | 56 | 60 | 63 | 73 | 78 | 81 | 115 | 152 | 336 | 511 => {
                StatusCode::NOT_FOUND
            }
            159 => StatusCode::REQUEST_TIMEOUT,
            381 => StatusCode::LENGTH_REQUIRED,
            229 => StatusCode::PAYLOAD_TOO_LARGE,
            779 => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            48 => StatusCode::NOT_IMPLEMENTED,
            // 202 and 236 are 500 in the server; here they mean "not now", which clients retry.
            76 | 202 | 209 | 236 | 439 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code: {}. DB::Exception: {}", self.code, self.message)?;
        if !self.name.is_empty() {
            write!(f, ". ({})", self.name)?;
        }
        Ok(())
    }
}

/// Splits `Code: 60. DB::NetException: rest` into the code and the rest.
fn split_prefix(text: &str) -> Option<(i32, &str)> {
    let rest = text.trim_start().strip_prefix("Code: ")?;
    let (code, rest) = rest.split_once(". DB::")?;
    let (kind, rest) = rest.split_once(':')?;
    if !kind.ends_with("Exception") || kind.contains(char::is_whitespace) {
        return None;
    }
    Some((code.parse().ok()?, rest.trim_start()))
}

/// Cuts a last group in parentheses, one level of nested ones allowed, whose inside fits.
fn strip_group(text: &str, fits: impl Fn(&str) -> bool) -> Option<&str> {
    let inner = text.strip_suffix(')')?;
    let mut depth = 0;
    let start = inner
        .char_indices()
        .rev()
        .find_map(|(at, char)| match char {
            ')' => {
                depth += 1;
                None
            }
            '(' if depth == 0 => Some(at),
            '(' => {
                depth -= 1;
                None
            }
            _ => None,
        })?;
    fits(&inner[start + 1..]).then(|| &text[..start])
}

/// Whether a text is an exception's name, such as `UNKNOWN_TABLE`.
fn is_name(text: &str) -> bool {
    text.len() > 2
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wrapped_texts_are_unwrapped() {
        let text = "Code: 73. DB::Exception: Code: 73. DB::Exception: Unknown format Nope. Maybe you meant: ['One','Npy']. (UNKNOWN_FORMAT) (version 26.7.2.1). (UNKNOWN_FORMAT) (version 26.7.2.1). (UNKNOWN_FORMAT)";
        let exception = Exception::parse(text);
        assert_eq!(exception.code, 73);
        assert_eq!(exception.name, "UNKNOWN_FORMAT");
        assert_eq!(
            exception.message,
            "Unknown format Nope. Maybe you meant: ['One','Npy']"
        );
        assert_eq!(
            exception.render("26.7.2.1"),
            "Code: 73. DB::Exception: Unknown format Nope. Maybe you meant: ['One','Npy']. (UNKNOWN_FORMAT) (version 26.7.2.1 (embedded))"
        );
    }

    #[test]
    fn parentheses_of_the_message_stay() {
        let exception = Exception::parse(
            "Code: 62. DB::Exception: Syntax error: failed at position 1 (1): f(x). (SYNTAX_ERROR)",
        );
        assert_eq!(
            exception.message,
            "Syntax error: failed at position 1 (1): f(x)"
        );
        assert_eq!(exception.status(), StatusCode::BAD_REQUEST);
        let exception = Exception::parse(
            "Code: 210. DB::NetException: I/O error (127.0.0.1:9000). (NETWORK_ERROR) (version 1 (official build))",
        );
        assert_eq!(
            (exception.code, exception.name.as_str()),
            (210, "NETWORK_ERROR")
        );
        assert_eq!(exception.message, "I/O error (127.0.0.1:9000)");
    }

    #[test]
    fn a_text_without_a_code_is_kept_whole() {
        let exception = Exception::parse("Insert stream already finalized");
        assert_eq!(
            (exception.code, exception.message.as_str()),
            (1002, "Insert stream already finalized")
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(Code: [0-9]{1,3}\\. DB::Exception: )?\\PC{0,60}(\\([A-Z_]{1,8}\\)|\\)|\\()?\\.?") {
            let exception = Exception::parse(&text);
            let again = Exception::parse(&exception.to_string());
            prop_assert_eq!(again.code, exception.code);
        }
    }
}
