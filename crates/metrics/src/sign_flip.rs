//! The sign-flip test of paired differences (R. Fisher, "The Design of Experiments", 1935, section 21).
//!
//! If nothing changed but by chance, every difference may as well have had the other sign. `p` is the part of all `2ⁿ` ways
//! to give signs whose sum is as far from zero as the one found. Of more than [`ALL`] differences so many flips are drawn,
//! and `p = (1 + as far) / (1 + drawn)` (B. Phipson and G. Smyth, Statistical Applications in Genetics 9, 2010).

use gradex_saliency::Random;

/// Up to so many differences all ways are tried.
const ALL: usize = 14;
/// Ways drawn of more.
const DRAWN: u64 = 9_999;

/// From so many differences on `p` can be 0.05 or less: `2 / 2ⁿ`.
pub const FEWEST: usize = 6;

/// The part of all ways to give signs whose sum is as far from zero as that of these differences; 1 of none.
#[must_use]
pub fn sign_flip(differences: &[f64], seed: u64) -> f64 {
    let magnitude: f64 = differences.iter().map(|difference| difference.abs()).sum();
    // Sums in another order round otherwise.
    let found = differences.iter().sum::<f64>().abs() - 1e-12 * magnitude;
    let is_as_far = |signs: &dyn Fn(usize) -> bool| {
        let signed = differences.iter().enumerate().map(|(place, one)| if signs(place) { -one } else { *one });
        signed.sum::<f64>().abs() >= found
    };
    if differences.len() <= ALL {
        let ways = 1u32 << differences.len();
        let as_far = (0..ways).filter(|way| is_as_far(&|place| way >> place & 1 == 1)).count();
        return as_far as f64 / f64::from(ways);
    }
    let drawn = |way: &u64| {
        let random = Random::stream(seed, *way);
        is_as_far(&|place| random.bits(place as u64 / 64) >> (place % 64) & 1 == 1)
    };
    (1 + (0..DRAWN).filter(drawn).count()) as f64 / (1 + DRAWN) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        for (differences, expected) in [
            (&[][..], 1.0),
            (&[0.3], 1.0),
            (&[0.0, 0.0, 0.0], 1.0),
            // Of all signs only + + + and - - - come as far.
            (&[0.3, 0.1, 0.2], 2.0 / 8.0),
            // Sums 4, 2, 2, 0 and their opposites: 2 comes up in six ways of eight.
            (&[2.0, 1.0, -1.0], 6.0 / 8.0),
            (&[0.1; 6], 2.0 / 64.0),
        ] {
            assert_eq!(sign_flip(differences, 0), expected, "{differences:?}");
        }
        assert!(sign_flip(&[0.1; FEWEST], 0) <= 0.05 && sign_flip(&[0.1; FEWEST - 1], 0) > 0.05);
    }

    #[test]
    fn drawn_flips_tell_the_same_as_all() {
        let differences = |mean: f64, count: u64| -> Vec<f64> {
            (0..count).map(|place| mean + Random::stream(7, 7).normal(place)).collect()
        };
        assert!(sign_flip(&differences(2.0, 40), 0) < 0.001);
        assert!(sign_flip(&differences(0.0, 40), 0) > 0.05);
        assert_eq!(sign_flip(&differences(0.1, 40), 3), sign_flip(&differences(0.1, 40), 3));
        let padded: Vec<f64> = differences(0.5, 14).into_iter().chain([0.0]).collect();
        assert!((sign_flip(&padded, 1) - sign_flip(&padded[..14], 1)).abs() < 0.02);
    }
}
