//! A colour of a QR code, and how light it looks to a scanner.

use std::fmt;
use std::str::FromStr;

/// A colour in sRGB. Written `#rgb`, `#rrggbb` or `#rrggbbaa`, the `#` optional since it would end the
/// path of a URL, or `transparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// How opaque it is: 0 is transparent.
    pub alpha: u8,
}

/// The text is no colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColourError;

impl Colour {
    /// Black.
    pub const BLACK: Self = Self::opaque(0, 0, 0);
    /// White.
    pub const WHITE: Self = Self::opaque(255, 255, 255);
    /// Nothing at all.
    pub const TRANSPARENT: Self = Self {
        red: 255,
        green: 255,
        blue: 255,
        alpha: 0,
    };

    /// A colour that hides what is behind it.
    #[must_use]
    pub const fn opaque(red: u8, green: u8, blue: u8) -> Self {
        Self {
            red,
            green,
            blue,
            alpha: 255,
        }
    }

    /// This colour painted on an opaque one.
    pub(super) fn over(self, behind: Self) -> Self {
        let mix = |front: u8, back: u8| {
            let alpha = u32::from(self.alpha);
            let sum = u32::from(front) * alpha + u32::from(back) * (255 - alpha);
            u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
        };
        Self::opaque(
            mix(self.red, behind.red),
            mix(self.green, behind.green),
            mix(self.blue, behind.blue),
        )
    }

    /// How much light it sends back, from 0 (black) to 1 (white): relative luminance as WCAG 2.2 defines it.
    pub(super) fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// Its four channels.
    pub(super) fn rgba(self) -> [u8; 4] {
        [self.red, self.green, self.blue, self.alpha]
    }
}

impl FromStr for Colour {
    type Err = ColourError;

    fn from_str(text: &str) -> Result<Self, ColourError> {
        if text == "transparent" {
            return Ok(Self::TRANSPARENT);
        }
        let digits: Vec<u8> = text
            .strip_prefix('#')
            .unwrap_or(text)
            .chars()
            .map(|digit| {
                digit
                    .to_digit(16)
                    .and_then(|value| u8::try_from(value).ok())
            })
            .collect::<Option<_>>()
            .ok_or(ColourError)?;
        match *digits.as_slice() {
            [r, g, b] => Ok(Self::opaque(r * 17, g * 17, b * 17)),
            [r, rr, g, gg, b, bb] => Ok(Self::opaque(r * 16 + rr, g * 16 + gg, b * 16 + bb)),
            [r, rr, g, gg, b, bb, a, aa] => Ok(Self {
                red: r * 16 + rr,
                green: g * 16 + gg,
                blue: b * 16 + bb,
                alpha: a * 16 + aa,
            }),
            _ => Err(ColourError),
        }
    }
}

/// `#rrggbb`, with the alpha behind it where it is not opaque.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)?;
        if self.alpha < 255 {
            write!(f, "{:02x}", self.alpha)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_written() {
        for (text, written) in [
            ("#1a2B3c", "#1a2b3c"),
            ("1a2b3c", "#1a2b3c"),
            ("#abc", "#aabbcc"),
            ("abc", "#aabbcc"),
            ("11223344", "#11223344"),
            ("112233ff", "#112233"),
            ("transparent", "#ffffff00"),
        ] {
            assert_eq!(text.parse::<Colour>().unwrap().to_string(), written);
        }
        for bad in [
            "", "#", "red", "#12", "#12345", "#1234567", "##123", "12345é", "+12",
        ] {
            assert_eq!(bad.parse::<Colour>(), Err(ColourError), "{bad}");
        }
    }

    #[test]
    fn paint_covers_what_it_is_opaque_for() {
        let half = Colour {
            alpha: 128,
            ..Colour::BLACK
        };
        assert_eq!(half.over(Colour::WHITE), Colour::opaque(127, 127, 127));
        assert_eq!(Colour::TRANSPARENT.over(Colour::BLACK), Colour::BLACK);
        assert_eq!(Colour::BLACK.luminance(), 0.0);
        assert!((Colour::WHITE.luminance() - 1.0).abs() < 1e-9);
        // A figure of the WCAG's own examples: pure red.
        assert!((Colour::opaque(255, 0, 0).luminance() - 0.2126).abs() < 1e-9);
    }
}
