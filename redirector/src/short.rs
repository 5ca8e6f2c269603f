//! Short URLs written out, as pages and QR codes show them.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use whence_core::config::Analytics;
use whence_core::link::Host;

/// What a path may not carry as it is. It was asked for as a path, so that hardly anything is escaped.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// How visitors reach this redirector: the same keys by which the API writes short URLs.
pub(crate) struct ShortUrls(Analytics);

impl ShortUrls {
    /// As configured.
    pub(crate) fn new(config: &Analytics) -> Self {
        Self(config.clone())
    }

    /// The short URL of a path, as it was asked for.
    pub(crate) fn of(&self, host: &Host, path: &str) -> String {
        let path = utf8_percent_encode(path, PATH);
        format!("{}{path}", self.0.short_url_origin(host))
    }
}
