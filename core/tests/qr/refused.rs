//! What is not drawn, and why.

use whence_core::domain::MAX_LOGO;
use whence_core::qr::{Colour, ErrorCorrection, Logo, LogoError, Options, QrError, png, svg};

use crate::read::logo;

#[test]
fn no_code_holds_a_text_without_end() {
    let options = Options {
        error_correction: Some(ErrorCorrection::L),
        ..Options::default()
    };
    assert!(png(&"a".repeat(2953), &options).is_ok());
    for text in ["a".repeat(2954), "a".repeat(1_000_000)] {
        assert_eq!(png(&text, &options), Err(QrError::TooLong));
        assert_eq!(svg(&text, &options), Err(QrError::TooLong));
    }
}

#[test]
fn a_picture_has_a_pixel_for_each_module() {
    let small = Options {
        size: 64,
        ..Options::default()
    };
    let text = "a".repeat(1000);
    let error = png(&text, &small).unwrap_err();
    let QrError::TooSmall(needed) = error else {
        panic!("{error}");
    };
    assert!(
        png(
            &text,
            &Options {
                size: needed,
                ..small.clone()
            }
        )
        .is_ok()
    );
    assert!(
        png(
            &text,
            &Options {
                size: needed - 1,
                ..small.clone()
            }
        )
        .is_err()
    );
    assert!(svg(&text, &small).is_ok(), "has no pixels");
}

#[test]
fn options_are_checked_however_they_were_made() {
    let read = Logo::from_png(&logo(8, 8, png::ColorType::Rgb)).unwrap();
    for (options, field) in [
        (
            Options {
                size: 63,
                ..Options::default()
            },
            "size",
        ),
        (
            Options {
                margin: 17,
                ..Options::default()
            },
            "margin",
        ),
        (
            Options {
                foreground: Colour::WHITE,
                ..Options::default()
            },
            "foreground",
        ),
        (
            Options {
                logo: Some(read.clone()),
                error_correction: Some(ErrorCorrection::L),
                ..Options::default()
            },
            "error_correction",
        ),
        (
            Options {
                logo: Some(read),
                error_correction: Some(ErrorCorrection::M),
                ..Options::default()
            },
            "error_correction",
        ),
    ] {
        assert_eq!(png("a", &options).unwrap_err().field(), field);
        assert_eq!(svg("a", &options).unwrap_err().field(), field);
    }
}

#[test]
fn logos_have_bounds() {
    assert_eq!(
        Logo::from_png(&vec![0; MAX_LOGO + 1]),
        Err(LogoError::TooLong)
    );
    assert!(Logo::from_png(&logo(1024, 1024, png::ColorType::Rgba)).is_ok());
    assert_eq!(
        Logo::from_png(&logo(1025, 1, png::ColorType::Rgb)),
        Err(LogoError::TooLarge {
            width: 1025,
            height: 1
        })
    );
    // The header is believed before anything is reserved for what it promises.
    let mut giant = logo(1, 1, png::ColorType::Rgb);
    giant[16..24].fill(0x7f);
    assert!(matches!(
        Logo::from_png(&giant),
        Err(LogoError::NotPng(_) | LogoError::TooLarge { .. })
    ));
    let whole = logo(40, 40, png::ColorType::Rgba);
    for cut in 0..whole.len() - 12 {
        assert!(
            matches!(Logo::from_png(&whole[..cut]), Err(LogoError::NotPng(_))),
            "{cut}"
        );
    }
    for not_png in [
        &b""[..],
        b"GIF89a",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
    ] {
        assert!(matches!(Logo::from_png(not_png), Err(LogoError::NotPng(_))));
    }
}
