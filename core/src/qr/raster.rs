//! A QR code as PNG: every module the same whole number of pixels, so that edges are crisp. It is drawn and
//! written row by row: a poster in all its pixels would take 64 MiB.

use std::io::Write as _;
use std::iter::repeat_n;

use super::symbol::Symbol;
use super::{Colour, Options, QrError};

/// Draws a QR code of `text` as a PNG of exactly the size asked for. What does not divide by the modules
/// becomes margin.
pub fn png(text: &str, options: &Options) -> Result<Vec<u8>, QrError> {
    let symbol = Symbol::new(text, options)?;
    let across = symbol.width + 2 * usize::from(options.margin);
    let size = options.size as usize;
    let module = size / across;
    if module == 0 {
        return Err(QrError::TooSmall(u32::try_from(across).unwrap_or(u32::MAX)));
    }
    let start = (size - symbol.width * module) / 2;
    // Which row or column of modules a row or column of pixels shows; none in the margin.
    let shown: Vec<Option<usize>> = (0..size)
        .map(|at| Some(at.checked_sub(start)? / module).filter(|at| *at < symbol.width))
        .collect();
    let is_dark = |x: usize, y: Option<usize>| match (shown[x], y) {
        (Some(x), Some(y)) => symbol.is_dark(x, y),
        _ => false,
    };
    let Some(logo) = &options.logo else {
        let rows = repeated(&shown, |y| packed_row(size, |x| is_dark(x, y)));
        let colours = [options.background, options.foreground];
        return Ok(encode_two_colours(options.size, colours, rows));
    };
    let (width, height) = logo.fit(symbol.logo * module as f64);
    let (width, height) = (
        width.round().max(1.0) as usize,
        height.round().max(1.0) as usize,
    );
    let (left, top) = ((size - width) / 2, (size - height) / 2);
    let logo = logo.scaled(width, height);
    let colours = [options.background, options.foreground].map(Colour::rgba);
    let behind = repeated(&shown, |y| {
        (0..size)
            .flat_map(|x| colours[usize::from(is_dark(x, y))])
            .collect()
    });
    let rows = behind.enumerate().map(|(y, mut row)| {
        let line = y.checked_sub(top).filter(|line| *line < height);
        if let Some(line) = line {
            let front = logo[line * width * 4..][..width * 4].as_chunks::<4>().0;
            let behind = row[left * 4..].as_chunks_mut::<4>().0;
            for (behind, front) in behind.iter_mut().zip(front) {
                paint_over(behind, *front);
            }
        }
        row
    });
    Ok(encode_rgba(size, size, rows))
}

/// All rows of pixels, of which those that show the same modules are drawn once.
fn repeated(
    shown: &[Option<usize>],
    draw: impl Fn(Option<usize>) -> Vec<u8>,
) -> impl Iterator<Item = Vec<u8>> {
    shown
        .chunk_by(|a, b| a == b)
        .flat_map(move |same| repeat_n(draw(same[0]), same.len()))
}

/// A row of one-bit pixels, the first in the highest bit of the first byte.
fn packed_row(width: usize, is_dark: impl Fn(usize) -> bool) -> Vec<u8> {
    let byte = |start: usize| {
        (start..width.min(start + 8))
            .filter(|x| is_dark(*x))
            .fold(0, |byte, x| byte | 0x80 >> (x - start))
    };
    (0..width).step_by(8).map(byte).collect()
}

/// Paints a colour over one that may be transparent itself.
fn paint_over(behind: &mut [u8; 4], front: [u8; 4]) {
    let (alpha, below) = (f64::from(front[3]) / 255.0, f64::from(behind[3]) / 255.0);
    let whole = alpha + below * (1.0 - alpha);
    if whole == 0.0 {
        return;
    }
    for channel in 0..3 {
        let mixed =
            f64::from(front[channel]) * alpha + f64::from(behind[channel]) * below * (1.0 - alpha);
        behind[channel] = (mixed / whole).round() as u8;
    }
    behind[3] = (whole * 255.0).round() as u8;
}

/// A PNG of a bit for each pixel.
fn encode_two_colours(
    side: u32,
    palette: [Colour; 2],
    rows: impl Iterator<Item = Vec<u8>>,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::One);
    let [light, dark] = palette.map(Colour::rgba);
    encoder.set_palette([&light[..3], &dark[..3]].concat());
    encoder.set_trns(vec![light[3], dark[3]]);
    finish(encoder, rows);
    out
}

/// A PNG of red, green, blue and alpha, whose pixels come in parts.
pub(super) fn encode_rgba(
    width: usize,
    height: usize,
    pixels: impl Iterator<Item = Vec<u8>>,
) -> Vec<u8> {
    let side = |pixels: usize| u32::try_from(pixels).expect("no picture here is wider than 4096");
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side(width), side(height));
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    finish(encoder, pixels);
    out
}

fn finish(encoder: png::Encoder<'_, &mut Vec<u8>>, pixels: impl Iterator<Item = Vec<u8>>) {
    let written = encoder.write_header().and_then(|mut writer| {
        let mut stream = writer.stream_writer()?;
        for part in pixels {
            stream.write_all(&part)?;
        }
        stream.finish()?;
        writer.finish()
    });
    written.expect("a buffer takes what is written, and it is as long as the header says");
}
