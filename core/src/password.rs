//! Passwords of links: hashed with argon2id, checked, and stored nowhere as they are.
//!
//! Both take some 20 ms and 19 MiB by design, so they run on blocking threads, a few at a time, and who
//! comes when too many wait is told so. How often somebody may guess is for the door to say.

use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use thiserror::Error;

use crate::bulkhead::{Bulkhead, Undone};
use crate::link::PasswordHash;
use crate::secret::Secret;

/// The longest password, in bytes.
pub const MAX_PASSWORD: usize = 128;

/// How many are hashed at a time: with 19 MiB each, more would be felt by redirects.
const AT_ONCE: usize = 2;
/// How many may wait, a second's work; a queue that grows further only answers ever later.
const WAITING: usize = 64;
/// The most memory, in KiB, that a hash made elsewhere may ask for.
const MOST_MEMORY: u32 = 64 * 1024;
/// The most passes over the memory.
const MOST_PASSES: u32 = 10;
/// The most lanes, which are filled one after the other here.
const MOST_LANES: u32 = 4;

static ROOM: Bulkhead = Bulkhead::new(AT_ONCE, WAITING, None);

/// Why a password was neither hashed nor checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// None, or one that is too long.
    #[error("must be 1 to {MAX_PASSWORD} bytes")]
    Length,
    /// Too many are being hashed or checked.
    #[error("too many passwords are being checked; try again in a second")]
    Busy,
}

/// Hashes a password, with a salt of its own, at OWASP's parameters (19 MiB, 2 passes, 1 lane).
pub async fn hash(password: &Secret) -> Result<PasswordHash, PasswordError> {
    if !has_length(password) {
        return Err(PasswordError::Length);
    }
    let password = password.clone();
    at_leisure(move || {
        let hash = argon2(Params::DEFAULT).hash_password(password.expose().as_bytes());
        let hash = hash.expect("the system has random bytes for a salt, and the rest is constant");
        let text = hash.to_string();
        text.parse().expect("a hash of argon2id in PHC form")
    })
    .await
}

/// Whether a password is the one that was hashed.
pub async fn verify(password: &Secret, hash: &PasswordHash) -> Result<bool, PasswordError> {
    if !has_length(password) {
        return Ok(false);
    }
    let (password, hash) = (password.clone(), hash.clone());
    at_leisure(move || {
        let Some((hash, params)) = affordable(&hash) else {
            return false;
        };
        argon2(params)
            .verify_password(password.expose().as_bytes(), &hash)
            .is_ok()
    })
    .await
}

/// Whether a hash that was made elsewhere can be checked here: it is complete, and asks for no more
/// memory and time than a visitor may cost.
#[must_use]
pub fn is_usable(hash: &PasswordHash) -> bool {
    affordable(hash).is_some()
}

fn has_length(password: &Secret) -> bool {
    (1..=MAX_PASSWORD).contains(&password.expose().len())
}

fn affordable(hash: &PasswordHash) -> Option<(phc::PasswordHash, Params)> {
    let hash = phc::PasswordHash::new(hash.as_str()).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let is_complete = hash.salt.is_some() && hash.hash.is_some();
    let is_cheap = params.m_cost() <= MOST_MEMORY
        && params.t_cost() <= MOST_PASSES
        && params.p_cost() <= MOST_LANES;
    (is_complete && is_cheap).then_some((hash, params))
}

fn argon2(params: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

async fn at_leisure<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PasswordError> {
    let done = ROOM.run(work).await.map_err(Undone::or_panic);
    done.map_err(|_busy| PasswordError::Busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_opens_and_others_do_not() {
        let hashed = hash(&Secret::new("corréct horse")).await.unwrap();
        assert!(
            hashed
                .as_str()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
        );
        assert_eq!(
            verify(&Secret::new("corréct horse"), &hashed).await,
            Ok(true)
        );
        for wrong in ["correct horse", "", "corréct horse "] {
            assert_eq!(
                verify(&Secret::new(wrong), &hashed).await,
                Ok(false),
                "{wrong}"
            );
        }
        let again = hash(&Secret::new("corréct horse")).await.unwrap();
        assert_ne!(again, hashed, "each has a salt of its own");
    }

    #[tokio::test]
    async fn lengths() {
        for bad in [String::new(), "a".repeat(MAX_PASSWORD + 1)] {
            assert_eq!(hash(&Secret::new(bad)).await, Err(PasswordError::Length));
        }
    }

    #[tokio::test]
    async fn a_hash_that_another_library_made_is_checked_as_it_says() {
        // "password" with the salt "somesalt", from the test vectors of argon2's reference implementation.
        let known =
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let known: PasswordHash = known.parse().unwrap();
        assert_eq!(verify(&Secret::new("password"), &known).await, Ok(true));
        assert_eq!(verify(&Secret::new("passwore"), &known).await, Ok(false));
    }

    #[tokio::test]
    async fn a_hash_that_would_cost_too_much_opens_for_nobody() {
        for dear in [
            "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=100000,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$nonsense",
        ] {
            let dear: PasswordHash = dear.parse().unwrap();
            assert!(!is_usable(&dear), "{dear}");
            assert_eq!(verify(&Secret::new("password"), &dear).await, Ok(false));
        }
    }
}
