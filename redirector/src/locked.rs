//! Passwords of links: what a visitor has given, and the cookie that remembers it for a while.
//!
//! The cookie proves that its bearer has given the password that the link has now: expiry and a MAC over
//! link, password hash and expiry, under a key of its own that every node derives from the click id key.
//! Another password, or another link, makes it void. Nothing here is kept, and a password is neither
//! logged nor journalled: it only ever stands in the body of a form. How often a link's is guessed wrong is
//! [`guesses`]' to bound.

mod guesses;

use std::hash::Hasher;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use siphasher::sip128::{Hasher128, SipHasher24};
use subtle::ConstantTimeEq;
use thiserror::Error;
use url::form_urlencoded;
use whence_core::id::{ClickIdKey, LinkId};
use whence_core::link::PasswordHash;
use whence_core::password::{self, PasswordError};
use whence_core::secret::Secret;

use crate::decide::Password;
use crate::request::{Asked, PASS_COOKIE};
use crate::resolve::Place;
use guesses::Guesses;

/// How long a password once given is good for.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(10);

/// Checks what visitors show for a link's password.
pub(crate) struct Lock {
    key: [u8; 16],
    /// `; Secure` or nothing.
    secure: &'static str,
    guesses: Guesses,
}

/// Why a password was not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unchecked {
    /// Too many have tried others on the link.
    #[error("too many passwords were tried on this link; wait {0:?}")]
    TooOften(Duration),
    /// It cannot be checked now.
    #[error(transparent)]
    Not(#[from] PasswordError),
}

impl Lock {
    /// With a key of its own.
    pub(crate) fn new(key: &ClickIdKey, secure: bool) -> Self {
        Self {
            key: key.derive("password of a link"),
            secure: if secure { "; Secure" } else { "" },
            guesses: Guesses::default(),
        }
    }

    /// What the request says without a form: its cookie.
    pub(crate) fn shown(
        &self,
        asked: &Asked<'_>,
        link: LinkId,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Password {
        match asked.pass {
            Some(pass) if self.is_good(pass, link, hash, now) => Password::Proven,
            _ => Password::Missing,
        }
    }

    /// Checks the password that was given in the form of `path`, the part of the request's path that is
    /// the link's.
    pub(crate) async fn given(
        &self,
        password: &Secret,
        path: &str,
        link: LinkId,
        hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<Password, Unchecked> {
        let guess = self.guesses.begin(link, Instant::now());
        let guess = guess.map_err(Unchecked::TooOften)?;
        if password::verify(password, hash).await? {
            return Ok(Password::Given(self.cookie(path, link, hash, now)));
        }
        guess.note_wrong();
        Ok(Password::Wrong)
    }

    fn cookie(&self, path: &str, link: LinkId, hash: &PasswordHash, now: Timestamp) -> String {
        let until = (now + GOOD_FOR).as_second();
        let mac = self.mac(link, hash, until);
        format!(
            "{PASS_COOKIE}={until}.{mac:032x}; Max-Age={}; Path={}; HttpOnly; SameSite=Lax{}",
            GOOD_FOR.as_secs(),
            cookie_path(path),
            self.secure
        )
    }

    fn is_good(&self, pass: &str, link: LinkId, hash: &PasswordHash, now: Timestamp) -> bool {
        let Some((until, mac)) = pass.split_once('.') else {
            return false;
        };
        let (Ok(until), Ok(mac)) = (until.parse::<i64>(), u128::from_str_radix(mac, 16)) else {
            return false;
        };
        let expected = self.mac(link, hash, until);
        until > now.as_second() && bool::from(mac.to_be_bytes().ct_eq(&expected.to_be_bytes()))
    }

    fn mac(&self, link: LinkId, hash: &PasswordHash, until: i64) -> u128 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(&link.0.to_be_bytes());
        hasher.write(&until.to_be_bytes());
        hasher.write(hash.as_str().as_bytes());
        hasher.finish128().as_u128()
    }
}

/// The password in a request's form, if it has one.
pub(crate) fn in_form(asked: &Asked<'_>) -> Option<Secret> {
    let form = asked.form.as_ref()?;
    form_urlencoded::parse(form)
        .find(|(name, _)| name == "password")
        .map(|(_, value)| Secret::new(value.into_owned()))
}

/// The part of the request's path that is the link's own: what follows a prefix link's is not.
pub(crate) fn path_of_link<'a>(asked: &Asked<'a>, place: &Place) -> &'a str {
    let rest = place.rest(asked.path, &asked.slug).unwrap_or_default();
    let path = asked.path.strip_suffix(rest).unwrap_or(asked.path);
    match path.strip_suffix('/') {
        Some(path) if !path.is_empty() && place.prefix.is_some() => path,
        _ => path,
    }
}

/// The path to which a browser shows the cookie. Where a cookie's attribute cannot carry the whole path,
/// the folder that it lies in.
fn cookie_path(path: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b';';
    match path.bytes().position(|byte| !is_plain(byte)) {
        None => path,
        Some(end) => {
            let folder = path[..end].rfind('/').unwrap_or_default();
            &path[..=folder]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn lock() -> Lock {
        Lock::new(&ClickIdKey::new([7; 16]), true)
    }

    fn hash(text: &str) -> PasswordHash {
        format!("$argon2id${text}").parse().unwrap()
    }

    fn pass(cookie: &str) -> &str {
        let value = cookie.strip_prefix("whp=").unwrap();
        value.split(';').next().unwrap()
    }

    #[test]
    fn a_cookie_is_good_for_its_link_its_password_and_ten_minutes() {
        let cookie = lock().cookie("/a", LinkId(1), &hash("x"), NOW);
        assert!(
            cookie.ends_with("; Max-Age=600; Path=/a; HttpOnly; SameSite=Lax; Secure"),
            "{cookie}"
        );
        let pass = pass(&cookie);
        let good = |lock: &Lock, link, text, after: i64| {
            let now = NOW + SignedDuration::from_secs(after);
            lock.is_good(pass, LinkId(link), &hash(text), now)
        };
        assert!(good(&lock(), 1, "x", 0) && good(&lock(), 1, "x", 599));
        assert!(!good(&lock(), 1, "x", 600), "expired");
        assert!(!good(&lock(), 2, "x", 0), "another link");
        assert!(!good(&lock(), 1, "y", 0), "another password");
        let other = Lock::new(&ClickIdKey::new([8; 16]), true);
        assert!(!good(&other, 1, "x", 0), "another installation");
    }

    #[test]
    fn a_forged_cookie_is_not_good() {
        let cookie = lock().cookie("/a", LinkId(1), &hash("x"), NOW);
        let (until, mac) = pass(&cookie).split_once('.').unwrap();
        let later = until.parse::<i64>().unwrap() + 1;
        let (head, last) = mac.split_at(mac.len() - 1);
        let changed = if last == "0" { '1' } else { '0' };
        for forged in [
            String::new(),
            ".".into(),
            until.into(),
            format!("{until}."),
            format!("{later}.{mac}"),
            format!("{until}.{head}{changed}"),
            format!("{until}.{mac}0"),
            format!("{until}.{}", "f".repeat(33)),
        ] {
            assert!(
                !lock().is_good(&forged, LinkId(1), &hash("x"), NOW),
                "{forged}"
            );
        }
    }

    #[test]
    fn no_path_breaks_the_cookie() {
        for (path, kept) in [
            ("/a", "/a"),
            ("/a/b%3B", "/a/b%3B"),
            ("/a/b;Domain=evil.example", "/a/"),
            ("/b;", "/"),
            ("/a b", "/"),
            ("/", "/"),
        ] {
            assert_eq!(cookie_path(path), kept, "{path}");
        }
    }
}
