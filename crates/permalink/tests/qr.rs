//! A code that is drawn is read again, by somebody else's reader.

use blumfeld_permalink::qr::{LIMIT, QUIET_ZONE, svg_path};

/// The modules that a path of `Mx yhwv1h-wz` makes dark.
fn modules(size: usize, path: &str) -> Vec<Vec<bool>> {
    let mut modules = vec![vec![false; size]; size];
    for run in path.split('M').skip(1) {
        let (at, run) = run.split_once('h').unwrap();
        let (column, row) = at.split_once(' ').unwrap();
        let (width, rest) = run.split_once('v').unwrap();
        assert_eq!(rest, format!("1h-{width}z"));
        let (column, row): (usize, usize) = (column.parse().unwrap(), row.parse().unwrap());
        let width: usize = width.parse().unwrap();
        modules[row][column..column + width].fill(true);
    }
    modules
}

#[test]
fn what_is_drawn_is_read_again() {
    for text in [
        "https://example.org/#s/1/Y2RkZmFhYWJi".to_owned(),
        "https://예.한국/#s/1/주문".to_owned(),
        format!("https://example.org/#s/1/{}", "aB3-_xyz".repeat(60)),
        "b".repeat(LIMIT),
    ] {
        let (size, path) = svg_path(&text).unwrap();
        let modules = modules(size, &path);
        let is_frame = |at: usize| at < QUIET_ZONE || at >= size - QUIET_ZONE;
        for (y, row) in modules.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                assert!(!dark || !(is_frame(x) || is_frame(y)), "{x} {y} is dark and in the quiet zone");
            }
        }
        let pixels = 4;
        let side = size * pixels;
        let grey = |x: usize, y: usize| if modules[y / pixels][x / pixels] { 0 } else { 255 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, grey);
        let read: Vec<String> = image.detect_grids().iter().map(|grid| grid.decode().unwrap().1).collect();
        assert_eq!(read, [text]);
    }
}

#[test]
fn what_does_not_fit_has_no_code() {
    for (text, fits) in [
        (String::new(), true),
        ("b".repeat(LIMIT), true),
        ("b".repeat(LIMIT + 1), false),
        ("1".repeat(LIMIT + 1), false),
        ("한".repeat(LIMIT / 3), true),
        ("한".repeat(LIMIT / 3 + 1), false),
        ("b".repeat(1 << 20), false),
    ] {
        assert_eq!(svg_path(&text).is_some(), fits, "{} bytes", text.len());
    }
}
