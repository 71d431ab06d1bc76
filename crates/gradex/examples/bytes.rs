//! Bytes to bytes, for whatever has no file system of its own to offer the library: weights and a photograph come in,
//! pixels go out. `--no-default-features --features weights,render` makes it single-threaded safe Rust.

use std::sync::Arc;

use gradex::{Photograph, Question, Style, View, from_bytes};

/// The overlay of the best class: its size, and rows of pixels of three bytes.
fn explain(weights: &[u8], photograph: &[u8]) -> gradex::Result<([usize; 2], Vec<u8>)> {
    let model = Arc::new(from_bytes(None, weights)?);
    let view = View::new(model, Photograph::decode(photograph)?, &Question::default())?;
    let best = view.top(1)?[0].class;
    let explanation = view.explain(best, |_| std::ops::ControlFlow::Continue(()))?;
    let picture = view.overlay(&explanation.fine, &Style::default())?;
    Ok((view.photograph().size(), picture.into_raw()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(weights), Some(photograph), Some(out)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: bytes WEIGHTS.safetensors PHOTOGRAPH OUT.rgb".into());
    };
    let ([height, width], pixels) = explain(&std::fs::read(weights)?, &std::fs::read(photograph)?)?;
    assert_eq!(pixels.len(), 3 * height * width);
    std::fs::write(out, pixels)?;
    Ok(())
}
