//! QR codes of short URLs, as SVG and as PNG.
//!
//! Which text is drawn, and who may ask for it, does not belong here; neither does where a logo is kept.
//! Large pictures take a core tens of milliseconds and more: services draw in a [`bulkhead`].

mod colour;
mod logo;
mod options;
mod raster;
mod symbol;
mod vector;

pub use colour::Colour;
pub use logo::{Logo, LogoError, MAX_SIDE};
pub use options::{ErrorCorrection, Options};
pub use raster::png;
pub use vector::svg;

use std::thread::available_parallelism;
use std::time::Duration;

use thiserror::Error;

use crate::bulkhead::Bulkhead;

/// How many drawings may wait: more would only be answered ever later.
const WAITING: usize = 32;
/// How long they may.
const PATIENCE: Duration = Duration::from_secs(5);

/// Room to draw in, of a service: for a quarter of the cores, since the largest pictures take one of them a
/// tenth of a second, which redirects need, and tens of megabytes.
#[must_use]
pub fn bulkhead() -> Bulkhead {
    let cores = available_parallelism().map_or(1, |cores| (cores.get() / 4).max(1));
    Bulkhead::new(cores, WAITING, Some(PATIENCE))
}

/// Why no QR code was drawn. [`field`](QrError::field) says which option is at fault.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum QrError {
    /// No such option.
    #[error("is no option of a QR code")]
    Unknown(String),
    /// An option was given more than once.
    #[error("is given twice")]
    Twice(&'static str),
    /// Not a size.
    #[error(
        "must be a whole number of pixels from {} to {}",
        options::MIN_SIZE,
        options::MAX_SIZE
    )]
    Size,
    /// So small that a module would be less than a pixel.
    #[error("must be at least {0} pixels for this text and margin")]
    TooSmall(u32),
    /// Not a margin.
    #[error("must be a whole number of modules from 0 to {}", options::MAX_MARGIN)]
    Margin,
    /// Not a colour.
    #[error("must be a colour such as #1a2b3c, #abc, #1a2b3c80 or transparent")]
    Colour(&'static str),
    /// Not an error correction level.
    #[error("must be L, M, Q or H")]
    ErrorCorrection,
    /// A logo covers more than the level can restore.
    #[error("must be Q or H under a logo, which hides a part of the code")]
    LogoCorrection,
    /// A scanner would not tell the colours apart.
    #[error(
        "must be darker than the background by {needed} % of white at least, and is by {found} %: \
         scanners need that"
    )]
    Contrast {
        /// How much darker it is, in per cent of the way from black to white.
        found: i32,
        /// How much it must be.
        needed: i32,
    },
    /// No QR code holds so much.
    #[error("is too long for a QR code at this error correction")]
    TooLong,
}

impl QrError {
    /// The option at fault, by its name in a query.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Unknown(name) => name,
            Self::Twice(name) | Self::Colour(name) => name,
            Self::Size | Self::TooSmall(_) => "size",
            Self::Margin => "margin",
            Self::ErrorCorrection | Self::LogoCorrection => "error_correction",
            Self::Contrast { .. } => "foreground",
            Self::TooLong => "text",
        }
    }
}
