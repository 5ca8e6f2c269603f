//! The modules of a QR code, and the place in their middle that a logo takes.

use qrcode::bits::Bits;
use qrcode::{Color, EcLevel, QrCode, QrResult, Version};

use super::{ErrorCorrection, Options, QrError};

/// How much of the code's width a logo may take: with its border 8 % of the area, of which level H restores
/// 30 and level Q 25.
const LOGO_SHARE: f64 = 0.22;
/// The smallest version (33 modules) for a code with a logo. In a smaller one the codewords are so few that
/// a logo touches more of them than its area says.
const LOGO_VERSION: i16 = 4;

/// The largest version there is: 177 modules.
const LARGEST_VERSION: i16 = 40;

/// How many characters the largest code holds, where they are digits and little error correction is asked
/// for: whatever is longer need not be tried.
const MOST_DIGITS: usize = 7089;

/// A QR code as a square of modules.
#[derive(Clone, Debug)]
pub(super) struct Symbol {
    /// Modules in a row.
    pub(super) width: usize,
    /// Row by row, whether it is dark.
    dark: Vec<bool>,
    /// How wide the logo's box is, in modules; 0 without a logo.
    pub(super) logo: f64,
}

impl Symbol {
    /// The smallest code that holds the text.
    pub(super) fn new(text: &str, options: &Options) -> Result<Self, QrError> {
        options.check()?;
        if text.len() > MOST_DIGITS {
            return Err(QrError::TooLong);
        }
        let level = match options.level() {
            ErrorCorrection::L => EcLevel::L,
            ErrorCorrection::M => EcLevel::M,
            ErrorCorrection::Q => EcLevel::Q,
            ErrorCorrection::H => EcLevel::H,
        };
        let with_logo = options.logo.is_some();
        let smallest = if with_logo { LOGO_VERSION } else { 1 };
        let code = (smallest..=LARGEST_VERSION)
            .find_map(|version| encode(text, Version::Normal(version), level).ok())
            .ok_or(QrError::TooLong)?;
        let width = code.width();
        let mut symbol = Self {
            width,
            dark: code
                .to_colors()
                .into_iter()
                .map(|colour| colour == Color::Dark)
                .collect(),
            logo: 0.0,
        };
        if with_logo {
            symbol.logo = (width as f64 * LOGO_SHARE).floor();
            symbol.clear(symbol.logo as usize + 2);
        }
        Ok(symbol)
    }

    /// Whether a module is dark.
    pub(super) fn is_dark(&self, x: usize, y: usize) -> bool {
        self.dark[y * self.width + x]
    }

    /// Makes a square in the middle light, of at least `side` modules.
    fn clear(&mut self, side: usize) {
        // A code has an odd number of modules, and so must have what stands in its very middle.
        let start = (self.width - (side | 1)) / 2;
        for y in start..self.width - start {
            for x in start..self.width - start {
                self.dark[y * self.width + x] = false;
            }
        }
    }
}

/// The code of this version, if it holds the text.
fn encode(text: &str, version: Version, level: EcLevel) -> QrResult<QrCode> {
    let mut bits = Bits::new(version);
    if text.is_ascii() {
        bits.push_optimal_data(text.as_bytes())?;
    } else {
        // As bytes of UTF-8, which readers recognise. The optimiser would take some of them for Shift JIS.
        bits.push_byte_data(text.as_bytes())?;
    }
    bits.push_terminator(level)?;
    QrCode::with_bits(bits, level)
}
