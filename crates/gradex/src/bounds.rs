//! The range of a network's input.

use gradex_models::Preprocessing;
use gradex_saliency::rules::Bounds;

/// Black and white as the network sees them: the method `epsilon-gamma-box` asks for this.
#[must_use]
pub fn bounds(preprocessing: &Preprocessing) -> Bounds {
    let Preprocessing { scale, mean, deviation, .. } = preprocessing;
    let of = |pixel: f32| [0, 1, 2].map(|c| (pixel / scale - mean[c]) / deviation[c]);
    Bounds::new(&of(0.0), &of(255.0))
}
