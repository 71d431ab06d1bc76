//! How a photograph becomes a network's input.

use gradex_engine::Tensor;
use ndarray::{Array3, ArrayView3};

use crate::error::{Error, Result};

/// `input[c] = (pixel[c] / scale - mean[c]) / deviation[c]` for 8-bit RGB pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preprocessing {
    /// Rows and columns that the published weights were trained for.
    pub size: [usize; 2],
    /// What pixels are divided by first.
    pub scale: f32,
    /// Each channel's mean.
    pub mean: [f32; 3],
    /// Each channel's standard deviation.
    pub deviation: [f32; 3],
}

impl Preprocessing {
    /// torchvision's classifiers.
    pub const TORCHVISION: Self =
        Self { size: [224, 224], scale: 255.0, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

    /// EfficientNet-Lite: `(pixel - 127) / 128`.
    pub const EFFICIENTNET_LITE: Self = Self { size: [224, 224], scale: 1.0, mean: [127.0; 3], deviation: [128.0; 3] };

    /// Pixels `[h, w, 3]` as an input `[1, 3, h, w]`.
    ///
    /// # Errors
    /// [`Error::Pixels`] where there are not three channels or no pixel at all.
    pub fn tensor(&self, pixels: ArrayView3<'_, u8>) -> Result<Tensor> {
        let (height, width, channels) = pixels.dim();
        if channels != 3 || height == 0 || width == 0 {
            return Err(Error::Pixels { expected: "RGB pixels [h, w, 3]", actual: pixels.shape().to_vec() });
        }
        let value = |(_, c, y, x): (usize, usize, usize, usize)| {
            (f32::from(pixels[[y, x, c]]) / self.scale - self.mean[c]) / self.deviation[c]
        };
        Ok(ndarray::Array4::from_shape_fn((1, 3, height, width), value).into_dyn())
    }

    /// An input `[3, h, w]` as the nearest pixels `[h, w, 3]`, to show what a tensor depicts.
    ///
    /// # Errors
    /// [`Error::Pixels`] where there are not three channels or no pixel at all.
    pub fn pixels(&self, input: ArrayView3<'_, f32>) -> Result<Array3<u8>> {
        let (channels, height, width) = input.dim();
        if channels != 3 || height == 0 || width == 0 {
            return Err(Error::Pixels { expected: "an input [3, h, w]", actual: input.shape().to_vec() });
        }
        let pixel = |(y, x, c): (usize, usize, usize)| {
            ((input[[c, y, x]] * self.deviation[c] + self.mean[c]) * self.scale).round().clamp(0.0, 255.0) as u8
        };
        Ok(Array3::from_shape_fn((height, width, 3), pixel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_value_survives_the_way_there_and_back() {
        let pixels = Array3::from_shape_fn((16, 16, 3), |(y, x, _)| (y * 16 + x) as u8);
        for preprocessing in [Preprocessing::TORCHVISION, Preprocessing::EFFICIENTNET_LITE] {
            let input = preprocessing.tensor(pixels.view()).unwrap();
            let image = input.index_axis(ndarray::Axis(0), 0).into_dimensionality().unwrap();
            assert_eq!(preprocessing.pixels(image).unwrap(), pixels);
        }
    }

    #[test]
    fn values_by_hand() {
        let pixels = Array3::from_shape_vec((1, 1, 3), vec![0, 127, 255]).unwrap();
        let lite = Preprocessing::EFFICIENTNET_LITE.tensor(pixels.view()).unwrap();
        assert_eq!(lite.iter().copied().collect::<Vec<_>>(), [-127.0 / 128.0, 0.0, 1.0]);
        let torchvision = Preprocessing::TORCHVISION.tensor(pixels.view()).unwrap();
        let expected = [-0.485 / 0.229, (127.0 / 255.0 - 0.456) / 0.224, (1.0 - 0.406) / 0.225];
        for (actual, expected) in torchvision.iter().zip(expected) {
            assert!((actual - expected).abs() < 1e-6, "{actual} {expected}");
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        let grey = Array3::<u8>::zeros((2, 2, 1));
        assert!(matches!(Preprocessing::TORCHVISION.tensor(grey.view()), Err(Error::Pixels { .. })));
        let empty = Array3::<f32>::zeros((3, 0, 2));
        assert!(matches!(Preprocessing::TORCHVISION.pixels(empty.view()), Err(Error::Pixels { .. })));
    }
}
