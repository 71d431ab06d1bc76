//! The first frame of a GIF, before anything is made room for.
//!
//! Graphics Interchange Format 89a, section 20: "each image must fit within the boundaries of the Logical Screen". Decoders
//! make room for the frame whatever it says, and a frame may say 65535 x 65535 in a file of a few bytes.

use crate::error::{Error, Result};

const SCREEN: usize = 6;
const BLOCKS: usize = 13;
const EXTENSION: u8 = 0x21;
const FRAME: u8 = 0x2C;

/// Refuses a first frame that is wider or higher than the picture; a file that is no GIF is left to the decoder.
pub(crate) fn check_first_frame(bytes: &[u8]) -> Result<()> {
    let Some((frame, canvas)) = first_frame(bytes) else { return Ok(()) };
    if frame[0] > canvas[0] || frame[1] > canvas[1] { Err(Error::Frame { frame, canvas }) } else { Ok(()) }
}

/// The heights and widths of the first frame and of the picture.
fn first_frame(bytes: &[u8]) -> Option<([usize; 2], [usize; 2])> {
    let canvas = size(bytes.get(SCREEN..)?)?;
    let mut rest = bytes.get(BLOCKS + colours(*bytes.get(SCREEN + 4)?)..)?;
    while let [EXTENSION, _, blocks @ ..] = rest {
        rest = after_blocks(blocks)?;
    }
    match rest {
        [FRAME, _, _, _, _, described @ ..] => Some((size(described)?, canvas)),
        _ => None,
    }
}

/// Width and height, of two bytes each.
fn size(bytes: &[u8]) -> Option<[usize; 2]> {
    let [a, b, c, d] = *bytes.first_chunk()?;
    Some([u16::from_le_bytes([c, d]).into(), u16::from_le_bytes([a, b]).into()])
}

/// The bytes of the table of colours that these flags announce.
fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// What follows blocks that each begin with their length, up to the one of length zero.
fn after_blocks(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let (length, rest) = bytes.split_first()?;
        bytes = rest.get(usize::from(*length)..)?;
        if *length == 0 {
            return Some(bytes);
        }
    }
}
