//! The destination as it goes into `Location`: with the rest of the path, UTM parameters, the visitor's
//! query and the click id, in this order, and its fragment last.
//!
//! What comes from the request is escaped here. Only URLs with an authority (`scheme://`) are added to:
//! behind any other scheme, such as `mailto:` or `tel:`, a query means something else.

use std::borrow::Cow;
use std::collections::HashSet;
use std::iter;

use memchr::{memchr, memchr2};
use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};
use whence_core::id::ClickId;
use whence_core::link::{QueryForwarding, Utm};

/// What neither path nor query may carry as it is. `%` stays: what comes from a request is escaped already.
/// A backslash would be read as another `/`.
const EITHER: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// What a URL's path may not carry as it is.
const PATH: &AsciiSet = &EITHER.add(b'?');
/// What a query may not carry as it is.
const QUERY: &AsciiSet = &EITHER.add(b'\'');
/// What a value that an owner has written may not carry as it is.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What is added to a destination.
#[derive(Default)]
pub(super) struct Additions<'a> {
    /// What follows a prefix link's slug in the path, percent-encoded as it was sent.
    pub(super) rest: &'a str,
    /// The link's UTM parameters, which replace the destination's own.
    pub(super) utm: Option<&'a Utm>,
    /// What becomes of the visitor's query.
    pub(super) forwarding: QueryForwarding,
    /// The visitor's query.
    pub(super) query: &'a str,
    /// The names under which click ids travel here: none of them is taken from a visitor, who can only
    /// have it from elsewhere.
    pub(super) reserved: [&'a str; 2],
    /// The click id and the name of its parameter.
    pub(super) click: Option<(&'a str, ClickId)>,
}

/// The destination with everything added. It is printable ASCII if `destination` is.
pub(super) fn write(destination: &str, add: &Additions<'_>) -> String {
    let forwards = add.forwarding != QueryForwarding::Drop && !add.query.is_empty();
    let utm = add.utm.filter(|utm| **utm != Utm::default());
    let adds_query = utm.is_some() || forwards || add.click.is_some();
    let Some(authority) = authority(destination) else {
        return destination.to_owned();
    };
    if !adds_query && add.rest.is_empty() {
        return destination.to_owned();
    }
    let (url, fragment) = destination.split_at(find(b'#', destination));
    let (base, own) = url.split_at(find(b'?', url));
    let own = own.get(1..).unwrap_or_default();
    let extra = add.rest.len() + if forwards { add.query.len() } else { 0 };
    let mut text = String::with_capacity(destination.len() + extra + 96);
    text.push_str(base);
    push_path(&mut text, authority, add.rest);

    let visitors = match forwards {
        true => pairs(add.query)
            .map(name)
            .filter(|name| !add.reserved.contains(&&**name))
            .collect(),
        false => HashSet::new(),
    };
    let overridden = |name: &str| {
        add.forwarding == QueryForwarding::Override && forwards && visitors.contains(name)
    };
    let mut taken = HashSet::new();
    let mut query = Joined::new(&mut text);
    for pair in pairs(own) {
        let name = name(pair);
        let replaced = utm.is_some_and(|utm| utm.parameters().any(|(utm, _)| utm == name))
            || add.click.is_some_and(|(click, _)| click == name)
            || overridden(&name);
        if !replaced {
            query.push(pair);
            if forwards {
                taken.insert(name);
            }
        }
    }
    for (name, value) in utm.into_iter().flat_map(Utm::parameters) {
        if !overridden(name) {
            let value = utf8_percent_encode(value.as_str(), VALUE);
            query.push(&format!("{name}={value}"));
            if forwards {
                taken.insert(name.into());
            }
        }
    }
    if forwards {
        for pair in pairs(add.query) {
            let name = name(pair);
            if !add.reserved.contains(&&*name) && !taken.contains(&name) {
                query.push(&Cow::from(utf8_percent_encode(pair, QUERY)));
            }
        }
    }
    if let Some((parameter, click)) = add.click {
        query.push(parameter);
        let mut buffer = [0; 22];
        text.push('=');
        text.push_str(click.write_to(&mut buffer));
    }
    text.push_str(fragment);
    text
}

/// Where the authority of a URL begins; none where it has none.
fn authority(url: &str) -> Option<usize> {
    let colon = find(b':', url);
    url[colon..].starts_with("://").then_some(colon + 3)
}

/// Where a byte of ASCII first stands in a text, or where that ends.
fn find(byte: u8, text: &str) -> usize {
    memchr(byte, text.as_bytes()).unwrap_or(text.len())
}

/// A query that is being written.
struct Joined<'t> {
    text: &'t mut String,
    separator: char,
}

impl<'t> Joined<'t> {
    fn new(text: &'t mut String) -> Self {
        Self {
            text,
            separator: '?',
        }
    }

    fn push(&mut self, pair: &str) {
        self.text.push(self.separator);
        self.text.push_str(pair);
        self.separator = '&';
    }
}

/// Adds the rest of a path, without parts that would lead out of the destination's own: no browser
/// sends such, since it resolves them before asking.
fn push_path(text: &mut String, authority: usize, rest: &str) {
    if rest.is_empty() {
        return;
    }
    let parts = rest.split('/').filter(|part| !is_dots(part));
    for (n, part) in parts.enumerate() {
        if n > 0 || !text[authority..].ends_with('/') {
            text.push('/');
        }
        text.extend(utf8_percent_encode(part, PATH));
    }
}

/// `.` or `..`, each dot as it is or escaped.
fn is_dots(part: &str) -> bool {
    let decoded = percent_decode_str(part);
    // At most two dots of three characters each.
    part.len() <= 6 && matches!(&*decoded.collect::<Vec<u8>>(), b"." | b"..")
}

fn pairs(query: &str) -> impl Iterator<Item = &str> {
    let mut rest = query;
    let pairs = iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (pair, behind) = rest.split_at(find(b'&', rest));
        rest = behind.get(1..).unwrap_or_default();
        Some(pair)
    });
    pairs.filter(|pair| !pair.is_empty())
}

/// The name of a pair as it is meant: `utm%5Fsource` is `utm_source`.
fn name(pair: &str) -> Cow<'_, str> {
    let name = &pair[..find(b'=', pair)];
    if memchr2(b'%', b'+', name.as_bytes()).is_none() {
        return Cow::Borrowed(name);
    }
    let spaced = name.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}
