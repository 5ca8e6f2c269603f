//! How a redirect is answered.

use serde::{Deserialize, Serialize};

use super::FieldError;

/// How a redirect is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum RedirectStatus {
    /// 301: for good, and cached by browsers that then never ask again.
    MovedPermanently,
    /// 302: each click is asked anew.
    #[default]
    Found,
    /// 307: as 302, and the method stays.
    TemporaryRedirect,
    /// 308: as 301, and the method stays.
    PermanentRedirect,
}

impl TryFrom<u16> for RedirectStatus {
    type Error = FieldError;

    fn try_from(code: u16) -> Result<Self, FieldError> {
        match code {
            301 => Ok(Self::MovedPermanently),
            302 => Ok(Self::Found),
            307 => Ok(Self::TemporaryRedirect),
            308 => Ok(Self::PermanentRedirect),
            _ => Err(FieldError::Status),
        }
    }
}

impl From<RedirectStatus> for u16 {
    fn from(status: RedirectStatus) -> Self {
        match status {
            RedirectStatus::MovedPermanently => 301,
            RedirectStatus::Found => 302,
            RedirectStatus::TemporaryRedirect => 307,
            RedirectStatus::PermanentRedirect => 308,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        assert_eq!(
            serde_json::from_str::<RedirectStatus>("308").unwrap(),
            RedirectStatus::PermanentRedirect
        );
        let refused = serde_json::from_str::<RedirectStatus>("303").unwrap_err();
        assert!(refused.to_string().contains("must be 301, 302, 307 or 308"));
    }
}
