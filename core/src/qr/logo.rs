//! A picture for the middle of a QR code: read with bounds, fitted into a box.

use std::io::Cursor;
use std::sync::Arc;

use thiserror::Error;

use crate::domain::MAX_LOGO;

/// The longest side of a logo, in pixels: 22 % of the largest QR code is less.
pub const MAX_SIDE: u32 = 1024;

/// A picture of at most [`MAX_SIDE`] each way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    width: usize,
    height: usize,
    /// Rows of red, green, blue and alpha.
    pixels: Arc<[u8]>,
}

/// Why a picture is no logo.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogoError {
    /// Too long a file.
    #[error("must be at most {MAX_LOGO} bytes")]
    TooLong,
    /// Too many pixels.
    #[error("must be at most {MAX_SIDE} by {MAX_SIDE} pixels, and is {width} by {height}")]
    TooLarge {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// Not a picture in this format, or a broken one.
    #[error("must be a PNG picture: {0}")]
    NotPng(String),
}

impl Logo {
    /// Reads a PNG of any colour type; of an animation the first picture.
    pub fn from_png(bytes: &[u8]) -> Result<Self, LogoError> {
        if bytes.len() > MAX_LOGO {
            return Err(LogoError::TooLong);
        }
        let broken = |error: png::DecodingError| LogoError::NotPng(error.to_string());
        // The pixels have the bound below; this one is for what else a file may ask for.
        let limits = png::Limits { bytes: 1024 * 1024 };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let header = decoder.read_header_info().map_err(broken)?;
        let (width, height) = (header.width, header.height);
        if width > MAX_SIDE || height > MAX_SIDE {
            return Err(LogoError::TooLarge { width, height });
        }
        let mut reader = decoder.read_info().map_err(broken)?;
        // Known to fit: at most MAX_SIDE² pixels of four bytes.
        let mut buffer = vec![0; reader.output_buffer_size().unwrap_or_default()];
        let frame = reader.next_frame(&mut buffer).map_err(broken)?;
        // The first picture of an animation may be smaller than the whole.
        buffer.truncate(frame.buffer_size());
        let pixels: Vec<u8> = match frame.color_type {
            png::ColorType::Rgba => buffer,
            png::ColorType::Rgb => rgba(&buffer, |[r, g, b]| [r, g, b, 255]),
            png::ColorType::GrayscaleAlpha => rgba(&buffer, |[y, a]| [y, y, y, a]),
            // The decoder expands palettes, so that one byte is always a grey.
            png::ColorType::Grayscale | png::ColorType::Indexed => {
                rgba(&buffer, |[y]| [y, y, y, 255])
            }
        };
        Ok(Self {
            width: frame.width as usize,
            height: frame.height as usize,
            pixels: pixels.into(),
        })
    }

    /// Width and height of the logo in a box of `side`, its proportions kept.
    pub(super) fn fit(&self, side: f64) -> (f64, f64) {
        let (width, height) = (self.width as f64, self.height as f64);
        let scale = side / width.max(height);
        (width * scale, height * scale)
    }

    /// The longer side in pixels.
    pub(super) fn longer(&self) -> usize {
        self.width.max(self.height)
    }

    /// The logo in another size, rows of red, green, blue and alpha. Each new pixel is the mean of what it
    /// covers, weighed by area and by opacity, so that small sizes do not flicker and edges have no rims.
    pub(super) fn scaled(&self, width: usize, height: usize) -> Vec<u8> {
        let columns = spans(self.width, width);
        let rows = spans(self.height, height);
        let mut scaled = Vec::with_capacity(width * height * 4);
        for row in &rows {
            for column in &columns {
                let mut sum = [0.0; 4];
                let mut area = 0.0;
                for &(y, tall) in row {
                    for &(x, wide) in column {
                        let at = (y * self.width + x) * 4;
                        let weight = tall * wide;
                        let opaque = weight * f64::from(self.pixels[at + 3]);
                        for (channel, total) in sum.iter_mut().take(3).enumerate() {
                            *total += opaque * f64::from(self.pixels[at + channel]);
                        }
                        sum[3] += opaque;
                        area += weight;
                    }
                }
                let visible = sum[3].max(f64::MIN_POSITIVE);
                let [r, g, b, alpha] = sum;
                scaled.extend([r / visible, g / visible, b / visible, alpha / area].map(byte));
            }
        }
        scaled
    }
}

/// For each of `to` equal parts of a line of `from` pixels: which pixels it covers, and how much of each.
fn spans(from: usize, to: usize) -> Vec<Vec<(usize, f64)>> {
    let step = from as f64 / to as f64;
    (0..to)
        .map(|part| {
            let (start, end) = (part as f64 * step, (part + 1) as f64 * step);
            let (first, last) = (start.floor() as usize, (end.ceil() as usize).min(from));
            (first..last)
                .map(|pixel| {
                    let (left, right) = (pixel as f64, (pixel + 1) as f64);
                    (pixel, end.min(right) - start.max(left))
                })
                .collect()
        })
        .collect()
}

fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// Turns pixels of N bytes into pixels of four.
fn rgba<const N: usize>(buffer: &[u8], turn: impl Fn([u8; N]) -> [u8; 4]) -> Vec<u8> {
    buffer
        .as_chunks::<N>()
        .0
        .iter()
        .flat_map(|pixel| turn(*pixel))
        .collect()
}
