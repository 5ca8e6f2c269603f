//! QR codes at `/{slug}.qr`: drawn off the serving thread, since a large one takes it milliseconds.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use url::form_urlencoded;
use whence_core::domain::DomainSpec;
use whence_core::qr::{self, Logo, Options, QrError};

use crate::answer::{NO_STORE, Page, plain};

/// How many are drawn at a time: a poster takes a core some tenths of a second.
const AT_ONCE: usize = 2;
/// How many may wait: more would only be answered ever later.
const WAITING: usize = 32;
static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);
static QUEUE: Semaphore = Semaphore::const_new(AT_ONCE + WAITING);

/// What is to be drawn.
pub(crate) struct Qr {
    options: Options,
    /// A PNG in base64.
    logo: Option<String>,
    png: bool,
}

impl Qr {
    /// Reads the options from a query: those of the API, and `format` and `logo` beside them. The logo is
    /// the domain's where it has one, unless `logo=none`.
    pub(crate) fn read(query: &str, domain: &DomainSpec) -> Result<Self, Page> {
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
        let logo = domain.logo.clone().filter(|_| with_logo);
        Ok(Self { options, logo, png })
    }

    /// Draws the code of a text.
    pub(crate) async fn draw(self, text: String) -> Page {
        let Ok(place) = QUEUE.try_acquire() else {
            return busy();
        };
        let Ok(room) = ROOM.acquire().await else {
            return busy();
        };
        let drawn = spawn_blocking(move || {
            // Held to the end of the work, even when the client has gone.
            let _held = (place, room);
            self.draw_now(&text)
        });
        match drawn.await {
            Ok(Ok((content_type, body))) => Page {
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
            },
            Ok(Err(error)) => wrong(&error),
            Err(_) => busy(),
        }
    }

    fn draw_now(mut self, text: &str) -> Result<(&'static str, Bytes), QrError> {
        // It was checked when it was stored; one that cannot be drawn all the same is left out.
        let logo = self.logo.and_then(|logo| STANDARD.decode(logo).ok());
        self.options.logo = logo.and_then(|logo| Logo::from_png(&logo).ok());
        Ok(match self.png {
            true => ("image/png", qr::png(text, &self.options)?.into()),
            false => ("image/svg+xml", qr::svg(text, &self.options)?.into()),
        })
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
