//! What is drawn can be read.

use proptest::prelude::*;
use whence_core::qr::{ErrorCorrection, Logo, Options, png, svg};

use crate::picture::{Picture, attribute};

const URL: &str = "https://go.example.com/autumn-sale?utm_source=poster&utm_medium=print";

/// A logo of one colour, with the given size and colour type.
pub(crate) fn logo(width: u32, height: u32, colour: png::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    if colour == png::ColorType::Indexed {
        encoder.set_palette(vec![200, 30, 30]);
    }
    let pixels = (width * height) as usize;
    let data: Vec<u8> = match colour {
        png::ColorType::Grayscale => vec![90; pixels],
        png::ColorType::GrayscaleAlpha => [90, 255].repeat(pixels),
        png::ColorType::Rgb => [200, 30, 30].repeat(pixels),
        png::ColorType::Rgba => [200, 30, 30, 255].repeat(pixels),
        png::ColorType::Indexed => vec![0; pixels],
    };
    encoder
        .write_header()
        .unwrap()
        .write_image_data(&data)
        .unwrap();
    bytes
}

fn with_logo(level: Option<ErrorCorrection>) -> Options {
    let bytes = logo(64, 64, png::ColorType::Rgba);
    Options {
        error_correction: level,
        logo: Some(Logo::from_png(&bytes).unwrap()),
        ..Options::default()
    }
}

fn levels() -> impl Strategy<Value = ErrorCorrection> {
    prop::sample::select(vec![
        ErrorCorrection::L,
        ErrorCorrection::M,
        ErrorCorrection::Q,
        ErrorCorrection::H,
    ])
}

#[test]
fn a_scanner_finds_and_reads_both_forms() {
    for (size, margin) in [(128, 4), (200, 2), (512, 4), (700, 16), (1024, 1)] {
        let options = Options {
            size,
            margin,
            ..Options::default()
        };
        let picture = Picture::from_png(&png(URL, &options).unwrap());
        assert_eq!(
            (picture.width, picture.height),
            (size as usize, size as usize)
        );
        assert_eq!(picture.scan(), Ok(URL.to_owned()), "PNG of {size}");
        let document = svg(URL, &options).unwrap();
        assert_eq!(attribute(&document, "width"), size.to_string());
        assert_eq!(
            Picture::from_svg(&document, 6).scan(),
            Ok(URL.to_owned()),
            "SVG of {size}"
        );
    }
}

#[test]
fn the_margin_is_as_wide_as_asked_for() {
    for margin in [0, 1, 4, 16] {
        let options = Options {
            margin,
            ..Options::default()
        };
        let (start, module, modules) = Picture::from_png(&png(URL, &options).unwrap()).layout();
        assert_eq!(module, 512 / (modules + 2 * usize::from(margin)));
        assert!(
            start >= module * usize::from(margin),
            "{start} pixels for {margin} modules"
        );
        let in_svg = Picture::from_svg(&svg(URL, &options).unwrap(), 3).layout();
        assert_eq!(in_svg, (3 * usize::from(margin), 3, modules));
    }
}

#[test]
fn colours_and_transparency_are_read_too() {
    let options = Options {
        foreground: "#0b3d91".parse().unwrap(),
        background: "transparent".parse().unwrap(),
        ..Options::default()
    };
    let picture = png(URL, &options).unwrap();
    assert_eq!(Picture::from_png(&picture).scan(), Ok(URL.to_owned()));
    let document = svg(URL, &options).unwrap();
    assert!(document.contains(r##"fill="#0b3d91""##) && !document.contains("ffffff"));
    assert_eq!(Picture::from_svg(&document, 4).scan(), Ok(URL.to_owned()));
    let half = Options {
        background: "#ffeecc80".parse().unwrap(),
        ..Options::default()
    };
    assert!(
        svg(URL, &half)
            .unwrap()
            .contains(r##"fill="#ffeecc" fill-opacity="0.502""##)
    );
}

#[test]
fn a_logo_does_not_hide_what_is_said() {
    for level in [None, Some(ErrorCorrection::Q)] {
        for text in ["https://a.example/b", URL, &URL.repeat(6)] {
            let options = with_logo(level);
            let picture = Picture::from_png(&png(text, &options).unwrap());
            assert_eq!(picture.scan().as_deref(), Ok(text), "{level:?} {text}");
            let document = svg(text, &options).unwrap();
            assert_eq!(
                Picture::from_svg(&document, 6).scan().as_deref(),
                Ok(text),
                "{level:?} {text}"
            );
        }
    }
}

#[test]
fn a_code_with_a_logo_still_bears_a_scratch() {
    for text in ["https://a.example/b", URL, &URL.repeat(6)] {
        let mut picture = Picture::from_png(&png(text, &with_logo(None)).unwrap());
        let (start, module, modules) = picture.layout();
        // A line of two modules through the lower part, a third of the width long.
        let (x, y) = (modules / 2, modules * 3 / 4);
        picture.spoil(
            start + x * module,
            start + y * module,
            modules / 3 * module,
            2 * module,
            0,
        );
        assert_eq!(picture.read().as_deref(), Ok(text));
    }
}

#[test]
fn a_logo_stands_in_the_middle_within_its_bounds() {
    for (width, height, colour) in [
        (64, 64, png::ColorType::Rgba),
        (1024, 100, png::ColorType::Rgb),
        (10, 100, png::ColorType::Grayscale),
        (1, 1, png::ColorType::Indexed),
        (40, 20, png::ColorType::GrayscaleAlpha),
    ] {
        let read = Logo::from_png(&logo(width, height, colour)).unwrap();
        let options = Options {
            size: 600,
            logo: Some(read),
            ..Options::default()
        };
        let picture = Picture::from_png(&png(URL, &options).unwrap());
        let (start, module, modules) = picture.layout();
        let middle = |at: usize| start + at * module + module / 2;
        assert!(picture.is_dark(300, 300), "{colour:?} is seen");
        let document = svg(URL, &options).unwrap();
        let share = |name: &str| {
            attribute(&document[document.find("<image").unwrap()..], name)
                .parse::<f64>()
                .unwrap()
                / modules as f64
        };
        assert!(share("width") <= 0.22 && share("height") <= 0.22);
        let proportion = share("width") / share("height");
        assert!((proportion / (f64::from(width) / f64::from(height)) - 1.0).abs() < 0.02);
        // A module's width around the box of the logo nothing is dark.
        let side = (modules as f64 * 0.22).floor() as usize + 1;
        let first = (modules - side) / 2 - 1;
        for at in first..modules - first {
            assert!(
                !picture.is_dark(middle(at), middle(first)),
                "{at} of {modules}"
            );
            assert!(
                !picture.is_dark(middle(first), middle(at)),
                "{at} of {modules}"
            );
        }
    }
}

#[test]
fn an_svg_is_xml_whatever_the_text() {
    let hostile = "https://a.example/</title><script>alert(\"1\")</script>&amp;\u{0}\u{1b}";
    let document = svg(hostile, &Options::default()).unwrap();
    assert!(!document.contains("<script") && document.contains("&lt;script&gt;"));
    assert!(!document.contains(['\u{0}', '\u{1b}']));
    assert_eq!(
        Picture::from_svg(&document, 4).read().as_deref(),
        Ok(hostile)
    );
}

#[test]
fn the_form_is_small() {
    let bytes = png(URL, &Options::default()).unwrap();
    assert!(bytes.len() < 2_000, "{} bytes of PNG", bytes.len());
    let document = svg(URL, &Options::default()).unwrap();
    assert_eq!(document.matches("<path").count(), 2);
    assert!(document.len() < 8_000, "{} bytes of SVG", document.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_survives(text in "\\PC{1,120}", level in levels(), size in 200_u32..700) {
        let options = Options { size, error_correction: Some(level), ..Options::default() };
        prop_assert_eq!(Picture::from_png(&png(&text, &options).unwrap()).read(), Ok(text.clone()));
        prop_assert_eq!(Picture::from_svg(&svg(&text, &options).unwrap(), 2).read(), Ok(text));
    }

    #[test]
    fn any_url_survives_a_logo(
        path in "[a-z0-9/%=&?-]{0,300}", quarter: bool,
    ) {
        let text = format!("https://go.example.com/{path}");
        let options = with_logo(Some(if quarter { ErrorCorrection::Q } else { ErrorCorrection::H }));
        prop_assert_eq!(Picture::from_png(&png(&text, &options).unwrap()).read(), Ok(text));
    }
}
