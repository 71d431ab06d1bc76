//! Photographs of every format. Large ones are left out, for speed: their size is the only thing that they add.
#![no_main]

use std::io::Cursor;

use gradex::{Fit, Photograph};
use image::ImageReader;
use libfuzzer_sys::fuzz_target;

const PIXELS: u64 = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    let size = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map(ImageReader::into_dimensions);
    if let Ok(Ok((width, height))) = size
        && u64::from(width) * u64::from(height) > PIXELS
    {
        return;
    }
    if let Ok(photograph) = Photograph::decode(bytes) {
        let [height, width] = photograph.size();
        assert!(height > 0 && width > 0);
        let fitted = photograph.resized([8, 8], Fit::Crop).expect("any photograph can be resized");
        assert_eq!(fitted.pixels.shape(), [8, 8, 3]);
    }
});
