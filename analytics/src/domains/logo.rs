//! A domain's picture, as its spec carries it.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use whence_core::domain::MAX_LOGO;
use whence_core::qr::Logo;

/// Reads a logo: a PNG in base64.
pub(crate) fn logo(text: &str) -> Result<Logo, String> {
    // Four characters for each three bytes.
    if text.len() > MAX_LOGO.div_ceil(3) * 4 {
        return Err(format!("must be at most {MAX_LOGO} bytes of PNG"));
    }
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|error| format!("must be base64: {error}"))?;
    Logo::from_png(&bytes).map_err(|error| error.to_string())
}
