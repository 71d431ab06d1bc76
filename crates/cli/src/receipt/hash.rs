//! sha256, as `sha256sum` prints it.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Of bytes that come one after the other.
#[derive(Default)]
pub struct Hash(Sha256);

impl Hash {
    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of all of them.
    pub fn finish(self) -> String {
        hex(self.0.finalize())
    }
}

/// Of bytes.
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

/// Of numbers, each as little-endian float32.
pub fn of_values<'a>(values: impl IntoIterator<Item = &'a f32>) -> String {
    let mut hash = Sha256::new();
    values.into_iter().for_each(|value| hash.update(value.to_le_bytes()));
    hex(hash.finalize())
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_bytes(b"abc"), of_abc);
        assert_eq!(of_values(&[1.0, -0.0]), of_bytes(&[0, 0, 0x80, 0x3f, 0, 0, 0, 0x80]));
    }
}
