//! A layer's weight at rest.

use std::sync::{Arc, PoisonError, RwLock};

use gradex_kernels::blocked::PackedConv;

use crate::tensor::Tensor;

/// A weight: a tensor, or what a convolution's kernel reads in its place, from which the tensor is made when somebody asks.
#[derive(Debug)]
pub struct Weight {
    shape: Vec<usize>,
    form: RwLock<Form>,
}

#[derive(Debug, Clone)]
enum Form {
    Whole(Arc<Tensor>),
    /// A reversible one.
    Packed(Arc<PackedConv>),
}

impl Weight {
    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its values.
    #[must_use]
    pub fn tensor(&self) -> Arc<Tensor> {
        match self.form() {
            Form::Whole(tensor) => tensor,
            Form::Packed(packed) => {
                let mut tensor = Tensor::zeros(&self.shape[..]);
                // Cannot fail: the length is that of the weight that was packed.
                let _unpacked = tensor.as_slice_mut().map(|values| packed.unpack(values));
                Arc::new(tensor)
            }
        }
    }

    /// Lets go of the tensor, if it can be had back from this.
    pub(crate) fn keep_packed(&self, packed: &Arc<PackedConv>) {
        if packed.is_reversible() && matches!(self.form(), Form::Whole(_)) {
            *self.form.write().unwrap_or_else(PoisonError::into_inner) = Form::Packed(Arc::clone(packed));
        }
    }

    fn form(&self) -> Form {
        self.form.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl From<Tensor> for Weight {
    fn from(tensor: Tensor) -> Self {
        Self { shape: tensor.shape().to_vec(), form: RwLock::new(Form::Whole(Arc::new(tensor))) }
    }
}

impl Clone for Weight {
    fn clone(&self) -> Self {
        Self { shape: self.shape.clone(), form: RwLock::new(self.form()) }
    }
}

impl PartialEq for Weight {
    fn eq(&self, other: &Self) -> bool {
        self.tensor() == other.tensor()
    }
}

#[cfg(test)]
mod tests {
    use gradex_kernels::blocked::{Algorithm, Direction};
    use gradex_kernels::{ConvShape, Level, Padding, Window};

    use super::*;

    #[test]
    fn what_cannot_be_had_back_is_kept() {
        let window = Window { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], padding: Padding::symmetric(1, 1) };
        let shape =
            ConvShape { batch: 1, in_channels: 5, out_channels: 20, groups: 1, input: [8, 8], output: [8, 8], window };
        let values: Vec<f32> = (0..900).map(|index| index as f32).collect();
        let tensor = Tensor::from_shape_vec(vec![20, 5, 3, 3], values.clone()).unwrap();
        let level = Level::current().unwrap();
        for (algorithm, is_let_go) in [(Algorithm::Winograd, false), (Algorithm::Direct, true)] {
            let packed = PackedConv::new(level, algorithm, &shape, Direction::Forward, &values, None).unwrap();
            let weight = Weight::from(tensor.clone());
            weight.keep_packed(&Arc::new(packed));
            assert_eq!(matches!(weight.form(), Form::Packed(_)), is_let_go, "{algorithm}");
            assert_eq!(*weight.tensor(), tensor, "{algorithm}");
            assert_eq!(weight.shape(), tensor.shape());
        }
    }
}
