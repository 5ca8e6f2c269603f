//! The modules of a QR code, and the place in their middle that a logo takes.

use qrcode::{Color, EcLevel, QrCode, Version};

use super::{ErrorCorrection, Options, QrError};

/// How much of the code's width a logo may take: with its border 8 % of the area, of which level H restores
/// 30 and level Q 25.
const LOGO_SHARE: f64 = 0.22;
/// The smallest version (33 modules) for a code with a logo. In a smaller one the codewords are so few that
/// a logo touches more of them than its area says.
const LOGO_VERSION: i16 = 4;

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
        let level = match options.level() {
            ErrorCorrection::L => EcLevel::L,
            ErrorCorrection::M => EcLevel::M,
            ErrorCorrection::Q => EcLevel::Q,
            ErrorCorrection::H => EcLevel::H,
        };
        let too_long = |_| QrError::TooLong;
        let with_logo = options.logo.is_some();
        let mut code = QrCode::with_error_correction_level(text, level).map_err(too_long)?;
        if with_logo && matches!(code.version(), Version::Normal(version) if version < LOGO_VERSION)
        {
            code = QrCode::with_version(text, Version::Normal(LOGO_VERSION), level)
                .map_err(too_long)?;
        }
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
