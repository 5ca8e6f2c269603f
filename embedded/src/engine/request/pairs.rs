//! Names and values of a URL's query, and the simple types among the values.

use percent_encoding::percent_decode;

use crate::engine::exception::Exception;

/// Decodes `a=b&c=d`, in which `+` stands for a space. Empty pieces are skipped, as the server does.
pub(super) fn decode(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    query
        .split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            (unescape(name), unescape(value))
        })
}

fn unescape(text: &str) -> Vec<u8> {
    let spaced: Vec<u8> = text
        .bytes()
        .map(|byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    percent_decode(&spaced).collect()
}

/// A switch.
pub(super) fn flag(name: &str, value: &[u8]) -> Result<bool, Exception> {
    match value {
        b"1" | b"true" => Ok(true),
        b"0" | b"false" => Ok(false),
        _ => Err(Exception::bad_arguments(format!(
            "the parameter '{name}' is neither 0 nor 1"
        ))),
    }
}

/// A count of bytes.
pub(super) fn number(name: &str, value: &[u8]) -> Result<usize, Exception> {
    std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            Exception::bad_arguments(format!("the parameter '{name}' is not a number of bytes"))
        })
}

/// A text that goes into a header or a statement: visible ASCII only.
pub(super) fn word(name: &str, value: Vec<u8>) -> Result<String, Exception> {
    String::from_utf8(value)
        .ok()
        .filter(|text| {
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        })
        .ok_or_else(|| {
            Exception::bad_arguments(format!(
                "the parameter '{name}' has characters that are not visible ASCII"
            ))
        })
}
