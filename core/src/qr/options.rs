//! How a QR code is to look, and what of that no scanner would read.

use super::{Colour, Logo, QrError};

/// The smallest picture: a code of the shortest URLs still has a pixel for each module.
pub(super) const MIN_SIZE: u32 = 64;
/// The largest picture: a poster at 300 dots an inch, 35 cm wide.
pub(super) const MAX_SIZE: u32 = 4096;
/// The widest margin, four times what the standard asks for.
pub(super) const MAX_MARGIN: u8 = 16;
/// The least difference of reflectance between light and dark: grade C of symbol contrast in ISO/IEC 15415,
/// the least that readers are commonly required to cope with.
const MIN_CONTRAST: f64 = 0.40;

/// How a QR code looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Width and height in pixels, 64 to 4096.
    pub size: u32,
    /// The clear border in modules, 0 to 16. The standard asks for 4.
    pub margin: u8,
    /// The colour of dark modules.
    pub foreground: Colour,
    /// The colour of light modules and of the margin. What is transparent counts as white paper.
    pub background: Colour,
    /// How much of the code may be lost; where it is not given M, and H under a logo.
    pub error_correction: Option<ErrorCorrection>,
    /// A picture in the middle.
    pub logo: Option<Logo>,
}

/// How much of a code can be lost and still be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorCorrection {
    /// 7 %.
    L,
    /// 15 %.
    M,
    /// 25 %.
    Q,
    /// 30 %.
    H,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            size: 512,
            margin: 4,
            foreground: Colour::BLACK,
            background: Colour::WHITE,
            error_correction: None,
            logo: None,
        }
    }
}

impl Options {
    /// Reads `size`, `margin`, `foreground`, `background` and `error_correction`; what is left out has its
    /// default, and any other name is refused. A logo comes from elsewhere.
    pub fn from_query<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, QrError>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        const NAMES: [&str; 5] = [
            "size",
            "margin",
            "foreground",
            "background",
            "error_correction",
        ];
        let mut options = Self::default();
        let mut seen = [false; NAMES.len()];
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            let position = NAMES
                .iter()
                .position(|known| *known == name)
                .ok_or_else(|| QrError::Unknown(name.to_owned()))?;
            let name = NAMES[position];
            if std::mem::replace(&mut seen[position], true) {
                return Err(QrError::Twice(name));
            }
            let colour = || value.parse().map_err(|_| QrError::Colour(name));
            match name {
                "size" => options.size = value.parse().map_err(|_| QrError::Size)?,
                "margin" => options.margin = value.parse().map_err(|_| QrError::Margin)?,
                "foreground" => options.foreground = colour()?,
                "background" => options.background = colour()?,
                _ => options.error_correction = Some(level(value)?),
            }
        }
        options.check()?;
        Ok(options)
    }

    /// Says what of the options cannot be. Both ways of drawing ask it.
    pub fn check(&self) -> Result<(), QrError> {
        if !(MIN_SIZE..=MAX_SIZE).contains(&self.size) {
            return Err(QrError::Size);
        }
        if self.margin > MAX_MARGIN {
            return Err(QrError::Margin);
        }
        if self.logo.is_some() && self.level() < ErrorCorrection::Q {
            return Err(QrError::LogoCorrection);
        }
        let light = self.background.over(Colour::WHITE);
        let contrast = light.luminance() - self.foreground.over(light).luminance();
        if contrast < MIN_CONTRAST {
            let percent = |share: f64| (share * 100.0).floor() as i32;
            return Err(QrError::Contrast {
                found: percent(contrast),
                needed: percent(MIN_CONTRAST),
            });
        }
        Ok(())
    }

    /// The error correction that is used.
    pub(super) fn level(&self) -> ErrorCorrection {
        self.error_correction.unwrap_or(if self.logo.is_some() {
            ErrorCorrection::H
        } else {
            ErrorCorrection::M
        })
    }
}

fn level(text: &str) -> Result<ErrorCorrection, QrError> {
    match text {
        "L" | "l" => Ok(ErrorCorrection::L),
        "M" | "m" => Ok(ErrorCorrection::M),
        "Q" | "q" => Ok(ErrorCorrection::Q),
        "H" | "h" => Ok(ErrorCorrection::H),
        _ => Err(QrError::ErrorCorrection),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Options, QrError> {
        Options::from_query(url::form_urlencoded::parse(query.as_bytes()))
    }

    #[test]
    fn a_query_sets_what_it_names() {
        assert_eq!(read("").unwrap(), Options::default());
        let options =
            read("size=64&margin=0&foreground=036&background=%23ffeecc80&error_correction=q")
                .unwrap();
        let expected = Options {
            size: 64,
            margin: 0,
            foreground: Colour::opaque(0, 0x33, 0x66),
            background: "#ffeecc80".parse().unwrap(),
            error_correction: Some(ErrorCorrection::Q),
            logo: None,
        };
        assert_eq!(options, expected);
        assert!(read("background=transparent&size=4096&margin=16").is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, field) in [
            ("size=63", "size"),
            ("size=4097", "size"),
            ("size=", "size"),
            ("size=-1", "size"),
            ("margin=17", "margin"),
            ("margin=300", "margin"),
            ("foreground=blue", "foreground"),
            ("background=", "background"),
            ("error_correction=X", "error_correction"),
            ("colour=red", "colour"),
            ("size=64&size=64", "size"),
            // Light on dark: many scanners never try that.
            ("foreground=fff&background=000", "foreground"),
            ("foreground=ff0&background=fff", "foreground"),
            ("foreground=000&background=333", "foreground"),
            ("foreground=00000030", "foreground"),
        ] {
            assert_eq!(read(query).unwrap_err().field(), field, "{query}");
        }
    }

    #[test]
    fn contrast_is_said_in_figures() {
        let error = read("foreground=ff0").unwrap_err();
        assert_eq!(
            error,
            QrError::Contrast {
                found: 7,
                needed: 40
            }
        );
    }
}
