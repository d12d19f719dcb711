//! QR codes of links.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// The light frame that a reader needs around a code, in modules.
pub const QUIET_ZONE: usize = 4;
/// The largest code holds so many bytes.
pub const LIMIT: usize = 2_953;

/// The dark modules of a text's code as the path of an SVG, with the quiet zone around them: the size of the whole in
/// modules, and the path. It is drawn in `viewBox="0 0 SIZE SIZE"`, dark on light whatever the page's theme is.
///
/// `None` where the text is longer than [`LIMIT`] bytes.
pub fn svg_path(text: &str) -> Option<(usize, String)> {
    if text.len() > LIMIT {
        return None;
    }
    // The lowest correction, so that modules are large; it takes more where the code does not grow by it.
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let modules = usize::try_from(code.size()).ok()?;
    let mut path = String::new();
    for (row, y) in (QUIET_ZONE..).zip(0..code.size()) {
        let dark = |x: &i32| code.get_module(*x, y);
        let mut x = 0;
        while let Some(from) = (x..code.size()).find(dark) {
            let to = (from..code.size()).find(|x| !dark(x)).unwrap_or(code.size());
            let column = QUIET_ZONE + usize::try_from(from).ok()?;
            let width = to - from;
            // A run of modules is one piece: less to draw, and no seams between them. Writing to a text cannot fail.
            let _ = write!(path, "M{column} {row}h{width}v1h-{width}z");
            x = to;
        }
    }
    Some((modules + 2 * QUIET_ZONE, path))
}
