//! The visitor's cookies as header values, written once but for the ids in them.

use whence_core::config::Cookies;
use whence_core::id::{ClickId, VisitorId};

/// What stands around the ids.
pub(crate) struct CookieLines {
    /// `name=` of the visitor's id.
    pub(super) visitor: String,
    /// `name=` of the last click.
    pub(super) last_click: String,
    /// What follows the value, from the first `;`.
    pub(super) attributes: String,
}

impl CookieLines {
    /// As they are configured.
    pub(crate) fn new(cookies: &Cookies) -> Self {
        let seconds = u64::from(cookies.days) * 24 * 60 * 60;
        let secure = if cookies.secure { "; Secure" } else { "" };
        Self {
            visitor: format!("{}=", cookies.visitor),
            last_click: format!("{}=", cookies.last_click),
            attributes: format!("; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}"),
        }
    }

    /// Both whole, for an answer that is no redirect.
    pub(crate) fn lines(&self, visitor: VisitorId, click: ClickId) -> [String; 2] {
        let line = |name: &str, id: String| [name, &id, &self.attributes].concat();
        [
            line(&self.visitor, visitor.to_string()),
            line(&self.last_click, click.to_string()),
        ]
    }
}
