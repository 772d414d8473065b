//! A QR code as a PNG of our own: of what WeChat wants scanned, without asking WeChat for a picture.

use std::io::Write;

use anyhow::{Context as _, Result};
use qrcode::{Color, EcLevel, QrCode};

/// White around the code, in modules, as ISO 18004 wants it.
const QUIET: usize = 4;

/// A module's side in pixels: some 400 for the whole, sharp on paper as big as a hand.
const SCALE: usize = 12;

/// Draws what `text` says, in black on white. A seventh of it may be damaged.
pub(super) fn png(text: &str, out: impl Write) -> Result<()> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M);
    let code = code.context("the URL does not fit into a QR code")?;
    let side = (code.width() + 2 * QUIET) * SCALE;
    let is_dark = |x: usize, y: usize| {
        let module = |at: usize| (at / SCALE).checked_sub(QUIET);
        let within = module(x).zip(module(y));
        within.is_some_and(|(x, y)| {
            x < code.width() && y < code.width() && code[(x, y)] == Color::Dark
        })
    };
    let pixels: Vec<u8> = (0..side)
        .flat_map(|y| (0..side).map(move |x| (x, y)))
        .map(|(x, y)| if is_dark(x, y) { 0 } else { u8::MAX })
        .collect();
    let pixels_a_side = u32::try_from(side).context("the code is too large")?;
    let mut encoder = png::Encoder::new(out, pixels_a_side, pixels_a_side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    Ok(writer.finish()?)
}
