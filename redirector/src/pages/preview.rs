//! What social networks and messengers show of a link: Open Graph, and the card of X.

use std::fmt::Write;

use whence_core::link::Preview;

use super::html::{Escaped, page};
use crate::answer::Page;

/// The page that a preview fetcher is shown. Its address is the short URL, or a fetcher would show the
/// destination's own preview. A person who is taken for a fetcher is sent on after a second.
pub(crate) fn preview(preview: &Preview, short: &str, destination: &str) -> Page {
    let title = preview.title.as_str();
    let mut head = format!("<link rel=\"canonical\" href=\"{}\">\n", Escaped(short));
    let mut meta = |key: &str, name: &str, content: &str| {
        let content = Escaped(content);
        // Writing to a text does not fail.
        let _ = writeln!(head, "<meta {key}=\"{name}\" content=\"{content}\">");
    };
    meta("property", "og:type", "website");
    meta("property", "og:url", short);
    meta("property", "og:title", title);
    meta("name", "twitter:title", title);
    if let Some(description) = &preview.description {
        meta("name", "description", description.as_str());
        meta("property", "og:description", description.as_str());
        meta("name", "twitter:description", description.as_str());
    }
    let card = match &preview.image {
        Some(image) => {
            meta("property", "og:image", image.as_str());
            meta("name", "twitter:image", image.as_str());
            "summary_large_image"
        }
        None => "summary",
    };
    meta("name", "twitter:card", card);
    meta("http-equiv", "refresh", &format!("1; url={destination}"));
    let body = format!(
        "<h1>{}</h1>\n<p><a class=\"button\" rel=\"nofollow\" href=\"{}\">Continue</a></p>",
        Escaped(title),
        Escaped(destination)
    );
    page(200, title, &head, &body)
}
