//! A QR code as SVG: one shape for the paper, one path for all dark modules, one picture for the logo.

use std::fmt::Write as _;
use std::iter::once;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::raster::encode_rgba;
use super::symbol::Symbol;
use super::{Colour, Options, QrError};

/// The longer side of an embedded logo in pixels: sharp on paper, and bounded whatever was given.
const LOGO_PIXELS: usize = 256;

/// Draws a QR code of `text` as an SVG document.
pub fn svg(text: &str, options: &Options) -> Result<String, QrError> {
    let symbol = Symbol::new(text, options)?;
    let margin = usize::from(options.margin);
    let across = symbol.width + 2 * margin;
    let size = options.size;
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 {across} {across}" shape-rendering="crispEdges" role="img"><title>"#
    );
    escape(text, &mut out);
    out.push_str("</title>");
    if options.background.alpha > 0 {
        let paint = paint(options.background);
        let _ = write!(out, r#"<path{paint} d="M0 0h{across}v{across}H0z"/>"#);
    }
    let _ = write!(out, r#"<path{} d=""#, paint(options.foreground));
    for y in 0..symbol.width {
        let mut x = 0;
        while x < symbol.width {
            let run = (x..symbol.width)
                .take_while(|x| symbol.is_dark(*x, y))
                .count();
            if run > 0 {
                let _ = write!(out, "M{} {}h{run}v1h-{run}z", x + margin, y + margin);
            }
            x += run.max(1);
        }
    }
    out.push_str(r#""/>"#);
    if let Some(logo) = &options.logo {
        let (width, height) = logo.fit(symbol.logo);
        let middle = across as f64 / 2.0;
        let pixels = logo.longer().min(LOGO_PIXELS) as f64;
        let (wide, tall) = logo.fit(pixels);
        let (wide, tall) = (
            wide.round().max(1.0) as usize,
            tall.round().max(1.0) as usize,
        );
        let png = encode_rgba(wide, tall, once(logo.scaled(wide, tall)));
        let _ = write!(
            out,
            r#"<image x="{:.3}" y="{:.3}" width="{width:.3}" height="{height:.3}" preserveAspectRatio="none" href="data:image/png;base64,{}"/>"#,
            middle - width / 2.0,
            middle - height / 2.0,
            STANDARD.encode(png),
        );
    }
    out.push_str("</svg>\n");
    Ok(out)
}

/// The attributes that paint in a colour; opacity apart, since SVG 1.1 knows no colour with eight digits.
fn paint(colour: Colour) -> String {
    let opaque = Colour {
        alpha: 255,
        ..colour
    };
    if colour.alpha == 255 {
        return format!(r#" fill="{opaque}""#);
    }
    let opacity = f64::from(colour.alpha) / 255.0;
    format!(r#" fill="{opaque}" fill-opacity="{opacity:.3}""#)
}

/// Writes a text so that XML reads it as text; what XML cannot hold at all becomes U+FFFD.
fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\u{0}'..='\u{8}'
            | '\u{b}'
            | '\u{c}'
            | '\u{e}'..='\u{1f}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                out.push('\u{fffd}');
            }
            _ => out.push(character),
        }
    }
}
