//! Why a text of a link, domain or workspace is refused. The API names the field; this says what is
//! wrong with it.

use thiserror::Error;

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FieldError {
    /// Nothing there.
    #[error("must not be empty")]
    Empty,
    /// Too much of it.
    #[error("must be at most {0} bytes")]
    TooLong(usize),
    /// A character that would break a header, a log line or a URL.
    #[error("must not hold the control character {0:?}")]
    Control(char),
    /// Not a host name.
    #[error("must be a host name such as go.example.com, without scheme, port or path")]
    Host,
    /// Not an absolute URL.
    #[error("must be an absolute URL ({0})")]
    Url(url::ParseError),
    /// A scheme that runs what it carries, or reads the visitor's own machine.
    #[error("must not be a {0}: URL")]
    Scheme(String),
    /// A scheme that means something only to an app, and that the workspace does not allow.
    #[error("{0}: is no scheme that the workspace allows beside http and https")]
    SchemeNotAllowed(String),
    /// A byte that no header may carry, in a URL whose scheme leaves it unescaped.
    #[error("must be percent-encoded ASCII")]
    Unescaped,
    /// A password in a URL that everybody is sent to.
    #[error("must not carry a user name or password")]
    Credentials,
    /// A slug that means another path.
    #[error("must not have . or .. as a part, since browsers resolve them before asking")]
    DotSegment,
    /// A slug that a request cannot ask for.
    #[error("must not hold {0:?}, which ends the path of a URL")]
    EndsPath(char),
    /// A name of a query parameter that would need escaping.
    #[error("must be 1 to 64 of letters, digits and . _ -")]
    ParameterName,
    /// A comma separates tags wherever several stand in one text.
    #[error("must not hold a comma")]
    Comma,
    /// Not a two-letter country code.
    #[error("must be a two-letter ISO 3166-1 country code such as DE")]
    Country,
    /// Not a subdivision code.
    #[error("must be an ISO 3166-2 code such as DE-BY")]
    Region,
    /// Not a network.
    #[error("must be an address or a network such as 192.0.2.0/24")]
    Network,
    /// Not a language tag.
    #[error("must be a language tag such as de or pt-BR")]
    Language,
    /// Not a name of a URL scheme that may be allowed.
    #[error("must be the name of a URL scheme such as mailto, and none that runs code")]
    SchemeName,
    /// Not the hash of a password.
    #[error("must be an argon2id hash in PHC form")]
    PasswordHash,
    /// A redirect with another meaning.
    #[error("must be 301, 302, 307 or 308")]
    Status,
}
