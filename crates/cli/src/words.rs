//! Numbers and words of the command line.

use gradex::methods::{Fusion, Noise};
use gradex::render::MAX_NETWORK_SIDE;

/// A size, `H` or `HxW`.
pub fn parse_size(text: &str) -> Result<[usize; 2], String> {
    let side = |side: &str| side.parse().ok().filter(|side| (1..=MAX_NETWORK_SIDE).contains(side));
    let size = match text.split_once('x') {
        Some((height, width)) => side(height).zip(side(width)),
        None => side(text).map(|side| (side, side)),
    };
    let (height, width) = size.ok_or_else(|| {
        format!("expected pixels, at most {MAX_NETWORK_SIDE}, such as 224, or height x width such as 224x320")
    })?;
    Ok([height, width])
}

/// Bytes, with a unit or without.
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let units = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];
    let upper = text.to_ascii_uppercase();
    let plain = upper.strip_suffix("IB").unwrap_or(&upper);
    let found = units.into_iter().find_map(|(unit, shift)| Some((plain.strip_suffix(unit)?, shift)));
    let (number, shift) = found.unwrap_or((text, 0));
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let bytes = number.parse::<f64>().ok().filter(|_| is_number(whole) && (part.is_empty() || is_number(part)));
    let bytes = bytes.map(|number| number * 2_f64.powi(shift)).filter(|bytes| (1.0..2_f64.powi(53)).contains(bytes));
    bytes.map(|bytes| bytes as usize).ok_or_else(|| {
        "expected bytes, such as 512M, 1.5G or 2GiB; K, M, G and T are of 1024, and KB or GB is not taken".to_owned()
    })
}

/// A seed.
pub fn parse_seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

/// How maps are fused.
pub fn parse_fusion(text: &str) -> Result<Fusion, String> {
    let fusion = Fusion::ALL.into_iter().find(|fusion| fusion.name() == text);
    fusion.ok_or_else(|| format!("expected one of {}", Fusion::ALL.map(Fusion::name).join(", ")))
}

/// More passes than this are a slip of the pen: they take weeks.
const MOST_SAMPLES: usize = 10_000_000;

/// Beyond this a batch gains nothing.
const MOST_BATCH: usize = 4096;

/// How many images at once.
pub fn parse_batch(text: &str) -> Result<usize, String> {
    let batch = text.parse().ok().filter(|batch| (1..=MOST_BATCH).contains(batch));
    batch.ok_or_else(|| format!("expected a whole number from 1 to {MOST_BATCH}"))
}

/// How many samples.
pub fn parse_samples(text: &str) -> Result<usize, String> {
    let samples = text.parse().ok().filter(|samples| (1..=MOST_SAMPLES).contains(samples));
    samples.ok_or_else(|| format!("expected a whole number from 1 to {MOST_SAMPLES}"))
}

/// A part of the range of an image.
pub fn parse_noise_level(text: &str) -> Result<f32, String> {
    let level = text.parse().ok().filter(|level| *level > 0.0 && *level <= Noise::MAX_LEVEL);
    level.ok_or_else(|| format!("expected a part of the image's range, such as 0.15, at most {}", Noise::MAX_LEVEL))
}

/// A whole number from 1.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "expected a whole number from 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes() {
        for (text, bytes) in [
            ("512M", 512 << 20),
            ("2g", 2 << 30),
            ("64KiB", 64 << 10),
            ("1000", 1000),
            ("1.5G", 3 << 29),
            ("1T", 1 << 40),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes));
        }
        for wrong in ["", "0", "M", "-1G", "1e3", "infG", ".5G", "1GB", "99999999999999999G"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("224"), Ok([224, 224]));
        assert_eq!(parse_size("193x161"), Ok([193, 161]));
        for wrong in ["", "0", "x", "3x", "12x0", "-4", "2x3x4", "1e3", "8193", "224x100000"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
