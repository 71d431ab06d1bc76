//! The photograph inside the program, and what PyTorch computes for it in float64.

use anyhow::Result;
use gradex::Tensor;
use gradex::formats::parse_npy;

/// Files of `fixtures/`, which says how they were made.
macro_rules! fixture {
    ($path:literal) => {
        include_bytes!(concat!("../../../../fixtures/", $path)).as_slice()
    };
}

/// A photograph of a cat.
const PHOTOGRAPH: &[u8] = fixture!("images/chelsea.png");
/// Egyptian cat.
pub const CLASS: usize = 285;

/// What must come out.
pub struct Golden {
    /// The content of the photograph's file.
    pub photograph: &'static [u8],
    /// The logits, `[1, 1000]`.
    pub logits: Tensor,
    /// Grad-CAM of [`CLASS`] at the default point.
    pub coarse: Tensor,
    /// The same, extrapolated over activated tensors.
    pub fine: Tensor,
}

impl Golden {
    /// Reads what is part of the program.
    ///
    /// # Errors
    /// None, as long as the program is whole.
    pub fn embedded() -> Result<Self> {
        Ok(Self {
            photograph: PHOTOGRAPH,
            logits: parse_npy(fixture!("networks/efficientnet-lite0-chelsea/expected_logits.npy"))?,
            coarse: parse_npy(fixture!("networks/efficientnet-lite0-chelsea/expected_coarse.npy"))?,
            fine: parse_npy(fixture!("networks/efficientnet-lite0-chelsea/expected_fine_activated.npy"))?,
        })
    }
}
