//! The default model's weights, inside the program.

/// The architecture of [`EMBEDDED_WEIGHTS`].
pub const EMBEDDED_ARCHITECTURE: &str = "efficientnet-lite0";

/// EfficientNet-Lite0, ImageNet, float16, a safetensors file. Source and licence: `weights/README.md`.
pub static EMBEDDED_WEIGHTS: &[u8] = include_bytes!("../../../weights/efficientnet-lite0.safetensors");
