//! Bytes inside of a page: base64 (RFC 4648, section 4), `data:` addresses (RFC 2397) and the hashes of a content
//! security policy.

use gradex::render::{RgbImage, jpeg};
use sha2::{Digest, Sha256};

use super::html::{Html, text};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Neither blocks nor waste show in photographs at half of their size.
const QUALITY: u8 = 85;

/// A picture as a `data:` address, in JPEG.
pub fn picture(picture: &RgbImage) -> anyhow::Result<Html> {
    Ok(text(format_args!("data:image/jpeg;base64,{}", base64(&jpeg(picture, QUALITY)?))))
}

/// How a content security policy names the content of a style or a script.
pub fn policy_hash(content: &Html) -> Html {
    // Nothing in it needs to be escaped.
    Html::join([Html::constant("sha256-"), text(base64(&Sha256::digest(content.as_bytes())))])
}

fn base64(bytes: &[u8]) -> String {
    let digits = bytes.chunks(3).flat_map(|chunk| {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digit = move |place: usize| char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]);
        let used = chunk.len() + 1;
        (0..4).map(move |place| if place < used { digit(place) } else { '=' })
    });
    digits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648() {
        let vectors =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (bytes, expected) in vectors {
            assert_eq!(base64(bytes.as_bytes()), expected);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn the_hash_of_nothing() {
        assert_eq!(policy_hash(&Html::default()).to_string(), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
