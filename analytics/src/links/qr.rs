//! A link's QR code, as a picture.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use whence_core::body;
use whence_core::bulkhead::{Bulkhead, Undone};
use whence_core::key::Right;
use whence_core::problem::Problem;
use whence_core::qr::{self, Logo, Options, QrError};
use whence_core::workspace::WorkspaceId;

use super::view::short_url;
use super::{Id, found};
use crate::api::Api;
use crate::domains;
use crate::door::Caller;
use crate::fields::{LONGEST_BODY, Query};
use crate::problems::{Refusals, field};

static ROOM: LazyLock<Bulkhead> = LazyLock::new(qr::bulkhead);

/// How the picture is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Picture {
    /// Lines, at any size.
    #[default]
    Svg,
    /// Pixels.
    Png,
}

/// What was asked for.
struct Asked {
    picture: Picture,
    /// Whether the domain's logo shall be in it; where nobody said, if there is one.
    with_logo: Option<bool>,
    options: Options,
}

impl Asked {
    fn read(mut query: Query, takes_logo: bool) -> Result<Self, Problem> {
        let picture = query.read("format", |text: String| match text.as_str() {
            "svg" => Ok(Picture::Svg),
            "png" => Ok(Picture::Png),
            _ => Err("must be svg or png"),
        });
        let with_logo = takes_logo
            .then(|| {
                query.read("logo", |text: String| match text.as_str() {
                    "none" => Ok(false),
                    "domain" => Ok(true),
                    _ => Err("must be none or domain"),
                })
            })
            .flatten();
        let options = Options::from_query(query.rest()?).map_err(|error| wrong(&error))?;
        Ok(Self {
            picture: picture.unwrap_or_default(),
            with_logo,
            options,
        })
    }
}

/// The QR code of a link's short URL.
#[utoipa::path(
    get, path = "/api/v1/links/{id}/qr", tag = "links",
    params(
        ("id" = String, Path, description = "The link's id"),
        ("format" = Option<String>, Query, description = "`svg` (the default) or `png`"),
        ("size" = Option<u32>, Query, description = "Width and height in pixels, 64 to 4096; 512 where none is given"),
        ("margin" = Option<u8>, Query, description = "The clear border in modules, 0 to 16; 4 where none is given"),
        ("foreground" = Option<String>, Query, description = "The colour of the dark modules, such as 1a2b3c"),
        ("background" = Option<String>, Query, description = "The colour behind them, such as ffffff or transparent"),
        ("error_correction" = Option<String>, Query, description = "L, M (the default), Q or H (the default under a logo)"),
        ("logo" = Option<String>, Query, description = "`domain`: the domain's logo in the middle, the default where it has one; or `none`"),
    ),
    responses((status = 200, content((String = "image/svg+xml"), (String = "image/png"))), Refusals),
)]
pub(crate) async fn drawn(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Response, Problem> {
    let workspace = caller.with(Right::Links)?;
    let mut asked = Asked::read(query, true)?;
    let (url, host) = place(&api, workspace, id).await?;
    if asked.with_logo != Some(false) {
        let found = domains::find(&api, workspace, &host).await;
        let logo = match found {
            Ok(domain) => domain.spec.logo,
            // A link outlives a domain that was given up while the link was made.
            Err(problem) if problem.status() == StatusCode::NOT_FOUND => None,
            Err(problem) => return Err(problem),
        };
        let wrong = |why: String| field(StatusCode::BAD_REQUEST, "logo", why);
        asked.options.logo = match logo {
            Some(logo) => Some(domains::logo(&logo).map_err(wrong)?),
            None if asked.with_logo == Some(true) => {
                return Err(wrong("the domain has none".into()));
            }
            None => None,
        };
    }
    draw(url, asked).await
}

/// The QR code of a link's short URL, with the picture that is sent in its middle.
#[utoipa::path(
    post, path = "/api/v1/links/{id}/qr", tag = "links",
    params(
        ("id" = String, Path, description = "The link's id"),
        ("format" = Option<String>, Query, description = "`svg` (the default) or `png`"),
        ("size" = Option<u32>, Query, description = "Width and height in pixels, 64 to 4096; 512 where none is given"),
        ("margin" = Option<u8>, Query, description = "The clear border in modules, 0 to 16; 4 where none is given"),
        ("foreground" = Option<String>, Query, description = "The colour of the dark modules, such as 1a2b3c"),
        ("background" = Option<String>, Query, description = "The colour behind them, such as ffffff or transparent"),
        ("error_correction" = Option<String>, Query, description = "Q or H (the default)"),
    ),
    request_body(content = Vec<u8>, content_type = "image/png", description = "A PNG of at most 64 KiB and 1024 by 1024 pixels"),
    responses((status = 200, content((String = "image/svg+xml"), (String = "image/png"))), Refusals),
)]
pub(crate) async fn drawn_with_logo(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let workspace = caller.with(Right::Links)?;
    let mut asked = Asked::read(query, false)?;
    let (url, _) = place(&api, workspace, id).await?;
    let sent = body::read(body, LONGEST_BODY, body::PATIENCE).await?;
    let logo = Logo::from_png(&sent);
    asked.options.logo =
        Some(logo.map_err(|error| field(StatusCode::UNPROCESSABLE_ENTITY, "logo", error))?);
    draw(url, asked).await
}

/// The URL of a link, and the host in it.
async fn place(
    api: &Api,
    workspace: &WorkspaceId,
    id: whence_core::id::LinkId,
) -> Result<(String, whence_core::link::Host), Problem> {
    let link = found(api.store.link(workspace, id).await)?;
    let url = short_url(&api.config, &link.domain, link.slug.as_str());
    Ok((url, link.domain))
}

/// Draws where there is room for it: the largest pictures take tens of milliseconds.
async fn draw(url: String, asked: Asked) -> Result<Response, Problem> {
    let drawn = ROOM.run(move || match asked.picture {
        Picture::Svg => qr::svg(&url, &asked.options)
            .map(|text| ([(header::CONTENT_TYPE, "image/svg+xml")], text).into_response()),
        Picture::Png => qr::png(&url, &asked.options)
            .map(|bytes| ([(header::CONTENT_TYPE, "image/png")], bytes).into_response()),
    });
    let drawn = drawn.await.map_err(Undone::or_panic);
    drawn
        .map_err(|_busy| Problem::unavailable("too many pictures are being drawn", 1))?
        .map_err(|error| wrong(&error))
}

fn wrong(error: &QrError) -> Problem {
    field(StatusCode::BAD_REQUEST, error.field(), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn more_than_can_be_drawn_are_told_to_come_again() {
        let asked = || Asked {
            picture: Picture::Svg,
            with_logo: None,
            options: Options::default(),
        };
        let url = || "https://go.example/s".to_owned();
        let held = ROOM.fill();
        let problem = draw(url(), asked()).await.unwrap_err();
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(held);
        assert_eq!(draw(url(), asked()).await.unwrap().status(), StatusCode::OK);
    }
}
