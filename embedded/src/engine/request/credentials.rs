//! Who a request says it is, and whether that is so.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::HeaderMap;
use whence_core::secret::Secret;

use crate::engine::exception::Exception;

/// The user of a request that names none.
const DEFAULT_USER: &str = "default";

/// The one account that the engine is used by.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Account {
    /// The user's name.
    pub(in crate::engine) user: String,
    /// The password; empty for none.
    pub(in crate::engine) password: Secret,
}

/// Names and passwords as they came; more than one way at once is refused, as the server does.
#[derive(Default)]
pub(in crate::engine) struct Credentials {
    /// `user` in the URL.
    pub(super) url_user: Option<Vec<u8>>,
    /// `password` in the URL.
    pub(super) url_password: Option<Vec<u8>>,
    header_user: Option<Vec<u8>>,
    header_password: Option<Vec<u8>>,
    basic: Option<(Vec<u8>, Vec<u8>)>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(***)")
    }
}

impl Credentials {
    /// Takes what the headers say.
    pub(super) fn headers(&mut self, headers: &HeaderMap) -> Result<(), Exception> {
        let bytes = |name: &str| headers.get(name).map(|value| value.as_bytes().to_vec());
        self.header_user = bytes("x-clickhouse-user");
        self.header_password = bytes("x-clickhouse-key");
        let Some(authorization) = bytes("authorization") else {
            return Ok(());
        };
        let malformed = || {
            Exception::authentication_failed(
                "the Authorization header is not 'Basic' with base64 of user:password, which alone is supported",
            )
        };
        let split = authorization
            .iter()
            .position(|&byte| byte == b' ')
            .ok_or_else(malformed)?;
        let (scheme, rest) = authorization.split_at(split);
        if !scheme.eq_ignore_ascii_case(b"basic") {
            return Err(malformed());
        }
        let decoded = BASE64_STANDARD
            .decode(rest.trim_ascii())
            .map_err(|_| malformed())?;
        let colon = decoded
            .iter()
            .position(|&byte| byte == b':')
            .ok_or_else(malformed)?;
        self.basic = Some((decoded[..colon].to_vec(), decoded[colon + 1..].to_vec()));
        Ok(())
    }

    /// Whether these are the account's.
    pub(in crate::engine) fn check(&self, account: &Account) -> Result<(), Exception> {
        let by_url = self.url_user.is_some() || self.url_password.is_some();
        let by_header = self.header_user.is_some() || self.header_password.is_some();
        if [by_url, by_header, self.basic.is_some()]
            .into_iter()
            .filter(|way| *way)
            .count()
            > 1
        {
            return Err(Exception::authentication_failed(
                "Invalid authentication: it is not allowed to use the URL, X-ClickHouse headers and the Authorization header at once",
            ));
        }
        let (user, password) = match (&self.basic, by_header) {
            (Some((user, password)), _) => (Some(user), Some(password)),
            (None, true) => (self.header_user.as_ref(), self.header_password.as_ref()),
            (None, false) => (self.url_user.as_ref(), self.url_password.as_ref()),
        };
        let user = user.map_or(DEFAULT_USER.as_bytes(), Vec::as_slice);
        let password = password.map_or(&b""[..], Vec::as_slice);
        // Both are always compared, so that the time taken tells nothing about the user.
        let known = Secret::new(account.user.as_str()).matches(&lossless(user));
        let right = account.password.matches(&lossless(password));
        if known && right {
            return Ok(());
        }
        Err(Exception::authentication_failed(format!(
            "{}: Authentication failed: password is incorrect, or there is no user with such name",
            String::from_utf8_lossy(user).escape_debug()
        )))
    }
}

/// Bytes as text, in a way that two different ones never become the same valid text.
fn lossless(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| format!("\0{}", bytes.escape_ascii()), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(password: &str) -> Account {
        Account {
            user: "whence".to_owned(),
            password: Secret::new(password),
        }
    }

    fn by_basic(text: &str) -> Result<Credentials, Exception> {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", text.parse().unwrap());
        let mut credentials = Credentials::default();
        credentials.headers(&headers).map(|()| credentials)
    }

    #[test]
    fn every_way_in_is_checked() {
        let good = by_basic(&format!("basic {}", BASE64_STANDARD.encode("whence:a:b"))).unwrap();
        assert!(good.check(&account("a:b")).is_ok());
        assert_eq!(good.check(&account("a")).unwrap_err().code, 516);
        let url = Credentials {
            url_user: Some(b"whence".to_vec()),
            url_password: Some(b"p".to_vec()),
            ..Credentials::default()
        };
        assert!(url.check(&account("p")).is_ok());
        assert!(url.check(&account("")).is_err());
        assert!(
            Credentials::default().check(&account("")).is_err(),
            "the user is not `default`"
        );
    }

    #[test]
    fn two_ways_at_once_and_malformed_ones_are_refused() {
        let mut both = by_basic(&format!("Basic {}", BASE64_STANDARD.encode("whence:p"))).unwrap();
        both.url_user = Some(b"whence".to_vec());
        assert!(
            both.check(&account("p"))
                .unwrap_err()
                .message
                .contains("at once")
        );
        for text in ["Bearer abc", "Basic", "Basic !!!", "Basic YWJj"] {
            assert_eq!(by_basic(text).unwrap_err().code, 516, "{text}");
        }
    }

    #[test]
    fn nothing_prints() {
        let shown = format!(
            "{:?}",
            by_basic(&format!(
                "Basic {}",
                BASE64_STANDARD.encode("whence:hunter2")
            ))
            .unwrap()
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
