//! What this program computes for the golden photograph.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::Result;
use gradex::{Photograph, Question, View};

use super::apart;
use super::golden::{CLASS, Golden};

/// Logits and maps.
pub struct Measured {
    parts: [(&'static str, Vec<f32>); 3],
}

impl Measured {
    /// Everything from the photograph's bytes on: decoding, resizing, both passes, extrapolation.
    ///
    /// # Errors
    /// Whatever fails.
    pub fn take(golden: &Golden) -> Result<Self> {
        let model = Arc::new(gradex::embedded()?);
        let view = View::new(model, Photograph::decode(golden.photograph)?, &Question::default())?;
        let explanation = view.explain(CLASS, |_| ControlFlow::Continue(()))?;
        let logits = view.tape().logits()?.iter().copied().collect();
        let coarse = explanation.coarse.values.iter().copied().collect();
        let fine = explanation.fine.values.iter().copied().collect();
        Ok(Self { parts: [("logits", logits), ("coarse map", coarse), ("fine map", fine)] })
    }

    /// How far each part is from the golden one, as part of its largest value.
    pub fn differences(&self, golden: &Golden) -> [(&'static str, f64); 3] {
        let expected = [&golden.logits, &golden.coarse, &golden.fine];
        let all: Vec<f64> =
            self.parts.iter().zip(expected).map(|((_, values), golden)| apart(values, golden.iter())).collect();
        std::array::from_fn(|part| (self.parts[part].0, all[part]))
    }

    /// Whether each part is that of another run, bit for bit.
    pub fn same_bits(&self, other: &Self) -> Vec<(&'static str, bool)> {
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let pairs = self.parts.iter().zip(&other.parts);
        pairs.map(|((what, values), (_, others))| (*what, bits(values) == bits(others))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::BOUND;
    use super::*;

    #[test]
    fn bits_are_told_apart() {
        let measured =
            |value| Measured { parts: [("logits", vec![value]), ("coarse map", vec![]), ("fine map", vec![])] };
        let same = |one: f32, other: f32| measured(one).same_bits(&measured(other))[0].1;
        assert!(same(1.0, 1.0) && same(f32::NAN, f32::NAN));
        assert!(!same(1.0, 1.000_000_1) && !same(0.0, -0.0));
    }

    #[test]
    fn altered_goldens_are_noticed() {
        let mut golden = Golden::embedded().unwrap();
        let measured = Measured::take(&golden).unwrap();
        assert!(measured.differences(&golden).iter().all(|(_, apart)| *apart <= BOUND));
        golden.coarse.mapv_inplace(|value| value * 1.001);
        let wrong = measured.differences(&golden);
        assert!(wrong.iter().any(|(what, apart)| *what == "coarse map" && *apart > BOUND), "{wrong:?}");
    }
}
