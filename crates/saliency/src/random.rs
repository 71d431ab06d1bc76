//! Random numbers without state: a seed, a stream and a place determine each value.
//!
//! `bits(i)` is SplitMix64 (G. Steele et al., OOPSLA 2014) at counter `i`; stream `k` of a seed starts at the seed's
//! `bits(k)`. So the numbers are the same in whatever order, batch or thread they are asked for.

/// One stream.
#[derive(Debug, Clone, Copy)]
pub struct Random(u64);

impl Random {
    /// Stream number `stream` of `seed`.
    #[must_use]
    pub fn stream(seed: u64, stream: u64) -> Self {
        Self(Self(seed).bits(stream))
    }

    /// 64 random bits.
    #[must_use]
    pub fn bits(self, place: u64) -> u64 {
        let mut z = self.0.wrapping_add(place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`, 53 bits.
    #[must_use]
    pub fn uniform(self, place: u64) -> f64 {
        (self.bits(place) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller's transform of the uniforms at `2 place` and `2 place + 1`.
    #[must_use]
    pub fn normal(self, place: u64) -> f64 {
        let (radius, angle) = (1.0 - self.uniform(2 * place), self.uniform(2 * place + 1));
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_published_generator() {
        // The first outputs for seed 1234567 that implementations of SplitMix64 are checked with.
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([0, 1, 2].map(|place| Random(1_234_567).bits(place)), expected);
    }

    #[test]
    fn normals_have_the_moments_of_normals() {
        let (random, count) = (Random::stream(3, 5), 100_000u64);
        let moment = |power: i32| (0..count).map(|place| random.normal(place).powi(power)).sum::<f64>() / count as f64;
        for (power, expected, within) in [(1, 0.0, 0.02), (2, 1.0, 0.02), (3, 0.0, 0.05), (4, 3.0, 0.1)] {
            assert!((moment(power) - expected).abs() < within, "moment {power}: {}", moment(power));
        }
    }

    #[test]
    fn streams_and_seeds_differ() {
        let first = |seed, stream| Random::stream(seed, stream).uniform(0);
        let values = [first(0, 0), first(0, 1), first(1, 0), first(1, 1)];
        for (index, value) in values.iter().enumerate() {
            assert!((0.0..1.0).contains(value) && !values[..index].contains(value), "{values:?}");
        }
    }
}
