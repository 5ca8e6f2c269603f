//! Pictures in grey, from PNG and from what SVG the library writes, and what a scanner sees in them.

use std::io::Cursor;

use base64::Engine as _;

/// A picture in grey on white paper.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    grey: Vec<u8>,
}

/// Rows of red, green, blue and alpha, with the width.
fn png_pixels(bytes: &[u8]) -> (usize, Vec<[u8; 4]>) {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(
        png::Transformations::normalize_to_color8() | png::Transformations::ALPHA,
    );
    let mut reader = decoder.read_info().unwrap();
    let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut buffer).unwrap();
    assert_eq!(frame.color_type, png::ColorType::Rgba);
    (frame.width as usize, buffer.as_chunks::<4>().0.to_vec())
}

impl Picture {
    fn on_white_paper(width: usize, pixels: &[[u8; 4]]) -> Self {
        let grey = pixels
            .iter()
            .map(|[r, g, b, alpha]| {
                let sum = u32::from(*r) * 2 + u32::from(*g) * 5 + u32::from(*b);
                let alpha = u32::from(*alpha);
                u8::try_from((sum / 8 * alpha + 255 * (255 - alpha)) / 255).unwrap()
            })
            .collect();
        let height = pixels.len() / width;
        Self {
            width,
            height,
            grey,
        }
    }

    pub(crate) fn from_png(bytes: &[u8]) -> Self {
        let (width, pixels) = png_pixels(bytes);
        Self::on_white_paper(width, &pixels)
    }

    /// Paints the paths and the picture of an SVG document, with `scale` pixels a unit.
    pub(crate) fn from_svg(svg: &str, scale: usize) -> Self {
        let units: usize = attribute(svg, "viewBox")
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let width = units * scale;
        let mut pixels = vec![[0; 4]; width * width];
        for element in svg
            .split('<')
            .filter(|element| element.starts_with("path "))
        {
            let fill = u32::from_str_radix(&attribute(element, "fill")[1..], 16).unwrap();
            let [_, r, g, b] = fill.to_be_bytes();
            assert!(
                !element.contains("fill-opacity"),
                "the painter below knows none"
            );
            for [x, y, wide, tall] in rectangles(attribute(element, "d")) {
                for row in y * scale..(y + tall) * scale {
                    pixels[row * width + x * scale..row * width + (x + wide) * scale]
                        .fill([r, g, b, 255]);
                }
            }
        }
        for element in svg
            .split('<')
            .filter(|element| element.starts_with("image "))
        {
            let number =
                |name: &str| attribute(element, name).parse::<f64>().unwrap() * scale as f64;
            let encoded = attribute(element, "href")
                .strip_prefix("data:image/png;base64,")
                .unwrap();
            let png = base64::engine::general_purpose::STANDARD
                .decode(encoded)
                .unwrap();
            let (from_width, from) = png_pixels(&png);
            let from_height = from.len() / from_width;
            let (left, top) = (number("x").round() as usize, number("y").round() as usize);
            let (wide, tall) = (
                number("width").round() as usize,
                number("height").round() as usize,
            );
            for y in 0..tall {
                for x in 0..wide {
                    let pixel = from[y * from_height / tall * from_width + x * from_width / wide];
                    if pixel[3] > 127 {
                        pixels[(top + y) * width + left + x] = pixel;
                    }
                }
            }
        }
        Self::on_white_paper(width, &pixels)
    }

    pub(crate) fn is_dark(&self, x: usize, y: usize) -> bool {
        self.grey[y * self.width + x] < 128
    }

    /// Paints over a rectangle.
    pub(crate) fn spoil(&mut self, x: usize, y: usize, wide: usize, tall: usize, grey: u8) {
        for row in y..y + tall {
            self.grey[row * self.width + x..row * self.width + x + wide].fill(grey);
        }
    }

    /// Finds the code in the picture as a scanner does, and reads it.
    pub(crate) fn scan(&self) -> Result<String, String> {
        let mut prepared =
            rqrr::PreparedImage::prepare_from_greyscale(self.width, self.height, |x, y| {
                self.grey[y * self.width + x]
            });
        let grids = prepared.detect_grids();
        let [grid] = grids.as_slice() else {
            return Err(format!("{} codes found", grids.len()));
        };
        grid.decode()
            .map(|(_, text)| text)
            .map_err(|error| error.to_string())
    }

    /// Where the code starts, how many pixels its modules have and how many there are in a row, by its first
    /// finder pattern: seven dark modules in its corner.
    pub(crate) fn layout(&self) -> (usize, usize, usize) {
        let row = (0..self.height)
            .find(|y| (0..self.width).any(|x| self.is_dark(x, *y)))
            .unwrap();
        let dark = |x: &usize| self.is_dark(*x, row);
        let start = (0..self.width).find(dark).unwrap();
        let end = (0..self.width).rfind(dark).unwrap() + 1;
        let module = (start..).take_while(dark).count() / 7;
        (start, module, (end - start) / module)
    }

    /// Reads the code from the middles of its modules: does not depend on how well a scanner finds codes.
    pub(crate) fn read(&self) -> Result<String, String> {
        let (start, module, modules) = self.layout();
        let middle = |at: usize| start + at * module + module / 2;
        let grid = rqrr::SimpleGrid::from_func(modules, |x, y| self.is_dark(middle(x), middle(y)));
        rqrr::Grid::new(grid)
            .decode()
            .map(|(_, text)| text)
            .map_err(|error| error.to_string())
    }
}

pub(crate) fn attribute<'a>(element: &'a str, name: &str) -> &'a str {
    let at = element.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
    element[at..].split('"').next().unwrap()
}

/// The rectangles of a path of which every part is `Mx yhAvBh-Az` or `…H0z`.
fn rectangles(path: &str) -> Vec<[usize; 4]> {
    path.split_terminator('z')
        .map(|part| {
            let numbers: Vec<usize> = part
                .split(|c: char| !c.is_ascii_digit())
                .filter(|number| !number.is_empty())
                .map(|number| number.parse().unwrap())
                .collect();
            let [x, y, wide, tall, back] = numbers[..] else {
                panic!("{part}");
            };
            assert!(back == wide || back == 0, "{part}");
            [x, y, wide, tall]
        })
        .collect()
}

#[test]
fn the_painter_reads_a_path() {
    assert_eq!(
        rectangles("M0 0h9v9H0zM3 4h2v1h-2z"),
        [[0, 0, 9, 9], [3, 4, 2, 1]]
    );
}
