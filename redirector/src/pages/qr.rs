//! QR codes at `/{slug}.qr`: drawn off the serving thread, since a large one takes it milliseconds.

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::Bytes;
use url::form_urlencoded;
use whence_core::bulkhead::{Bulkhead, Undone};
use whence_core::qr::{self, Logo, Options, QrError};

use crate::answer::{NO_STORE, Page, plain};

/// The widest in pixels that a stranger is drawn: a hand's breadth in print. A poster is the API's to draw.
const MOST_PIXELS: u32 = 2048;

static ROOM: LazyLock<Bulkhead> = LazyLock::new(qr::bulkhead);

/// What is to be drawn.
pub(crate) struct Qr {
    options: Options,
    /// A PNG.
    logo: Option<Bytes>,
    png: bool,
}

impl Qr {
    /// Reads the options from a query: those of the API, and `format` and `logo` beside them. `logo` is the
    /// domain's, which is left out where the query says `logo=none`.
    pub(crate) fn read(query: &str, logo: Option<Bytes>) -> Result<Self, Page> {
        let mut png = false;
        let mut with_logo = true;
        let mut pairs = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("format", "png") => png = true,
                ("format", "svg") => png = false,
                ("format", _) => return Err(refused("format", "must be svg or png")),
                ("logo", "none") => with_logo = false,
                ("logo", "domain") => with_logo = true,
                ("logo", _) => return Err(refused("logo", "must be none or domain")),
                _ => pairs.push((name, value)),
            }
        }
        let options = Options::from_query(pairs).map_err(|error| wrong(&error))?;
        if png && options.size > MOST_PIXELS {
            let why = format!("must be at most {MOST_PIXELS} pixels here");
            return Err(refused("size", &why));
        }
        let logo = logo.filter(|_| with_logo);
        Ok(Self { options, logo, png })
    }

    /// What stands before the picture, for those who ask for no more.
    pub(crate) fn head(&self) -> Page {
        picture(self.content_type(), Bytes::new())
    }

    /// Draws the code of a text.
    pub(crate) async fn draw(self, text: String) -> Page {
        let content_type = self.content_type();
        match ROOM.run(move || self.draw_now(&text)).await {
            Ok(Ok(body)) => picture(content_type, body),
            Ok(Err(error)) => wrong(&error),
            // A picture that cannot be drawn is no reason to break off a connection.
            Err(Undone::Busy(_) | Undone::Panicked(_)) => busy(),
        }
    }

    fn draw_now(mut self, text: &str) -> Result<Bytes, QrError> {
        // It was checked when it was stored; one that cannot be drawn all the same is left out.
        self.options.logo = self.logo.and_then(|logo| Logo::from_png(&logo).ok());
        Ok(match self.png {
            true => qr::png(text, &self.options)?.into(),
            false => qr::svg(text, &self.options)?.into(),
        })
    }

    fn content_type(&self) -> &'static str {
        match self.png {
            true => "image/png",
            false => "image/svg+xml",
        }
    }
}

fn picture(content_type: &'static str, body: Bytes) -> Page {
    Page {
        status: 200,
        content_type,
        body,
        cache: "public, max-age=3600",
        headers: vec![
            ("x-content-type-options", "nosniff".into()),
            // An SVG that is opened by itself is a document.
            (
                "content-security-policy",
                "default-src 'none'; img-src data:; style-src 'unsafe-inline'".into(),
            ),
        ],
    }
}

fn busy() -> Page {
    let mut page = plain(503, "Too many pictures are being drawn; try again.\n");
    page.headers.push(("retry-after", "1".into()));
    page
}

fn wrong(error: &QrError) -> Page {
    refused(error.field(), &error.to_string())
}

/// Names the option at fault. It may be anything that stood in the query, so only its text goes out.
fn refused(field: &str, why: &str) -> Page {
    let field: Cow<'_, str> = field.chars().filter(|c| !c.is_control()).take(64).collect();
    Page {
        status: 400,
        content_type: "text/plain; charset=utf-8",
        body: Bytes::from(format!("{field}: {why}\n")),
        cache: NO_STORE,
        headers: vec![("x-content-type-options", "nosniff".into())],
    }
}
