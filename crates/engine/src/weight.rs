//! A layer's weight at rest.

use std::sync::{Arc, PoisonError, RwLock};

use gradex_kernels::blocked::PackedConv;
use gradex_kernels::{Level, Part, Weights, widen};
use ndarray::ArrayD;

use crate::tensor::{Tensor, is_finite, values};

/// A weight: a tensor, or in its place halves, what a convolution's kernel reads, or a part of another. Of those the tensor is
/// made when somebody asks.
#[derive(Debug)]
pub struct Weight {
    shape: Vec<usize>,
    form: RwLock<Form>,
}

#[derive(Debug, Clone)]
pub(crate) enum Form {
    Whole(Arc<Tensor>),
    /// The bits of halves, row-major.
    Half(Arc<ArrayD<u16>>),
    /// A reversible one.
    Packed(Arc<PackedConv>),
    /// A part of each number of another.
    Part(Arc<Weight>, Part),
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
            // The lengths are those of the shape; without a level all passes over the network fail.
            Form::Half(bits) => {
                self.made(|values| Level::current().and_then(|level| widen(level, halves(&bits), values)))
            }
            Form::Packed(packed) => self.made(|values| packed.unpack(values)),
            Form::Part(whole, part) => Arc::new(whole.tensor().mapv(|value| part.of(value))),
        }
    }

    /// This part of each of its numbers, which a linear layer takes while it reads the whole.
    #[must_use]
    pub fn part(&self, part: Part) -> Self {
        Self { shape: self.shape.clone(), form: RwLock::new(Form::Part(Arc::new(self.clone()), part)) }
    }

    fn made(&self, make: impl FnOnce(&mut [f32]) -> gradex_kernels::Result<()>) -> Arc<Tensor> {
        let mut tensor = Tensor::zeros(&self.shape[..]);
        let _made = tensor.as_slice_mut().map(make);
        Arc::new(tensor)
    }

    /// The tensor, not shared with anybody.
    #[must_use]
    pub fn into_tensor(self) -> Tensor {
        let tensor = self.tensor();
        drop(self);
        Arc::unwrap_or_clone(tensor)
    }

    /// Whether it holds neither NaN nor infinities.
    pub(crate) fn is_finite(&self) -> bool {
        match self.form() {
            Form::Half(bits) => bits.iter().all(|bits| bits & 0x7c00 != 0x7c00),
            Form::Whole(_) | Form::Packed(_) | Form::Part(..) => is_finite(self.tensor().view()),
        }
    }

    /// Whether it is halves, packed or not.
    pub(crate) fn is_half(&self) -> bool {
        match self.form() {
            Form::Half(_) => true,
            Form::Packed(packed) => packed.keeps_halves(),
            Form::Whole(_) | Form::Part(..) => false,
        }
    }

    /// Gives a kernel its numbers or halves as they lie in memory; of a packed form or a part they are made.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(Weights<'_>) -> gradex_kernels::Result<T>,
    ) -> gradex_kernels::Result<T> {
        match self.form() {
            Form::Whole(tensor) => read(values(&tensor)[..].into()),
            Form::Half(bits) => read(halves(&bits).into()),
            Form::Packed(packed) if packed.keeps_halves() => {
                let mut bits = vec![0; self.shape.iter().product()];
                packed.unpack_halves(&mut bits)?;
                read(bits[..].into())
            }
            Form::Packed(_) | Form::Part(..) => read(values(&self.tensor())[..].into()),
        }
    }

    /// Lets go of the tensor, if it can be had back from this.
    pub(crate) fn keep_packed(&self, packed: &Arc<PackedConv>) {
        if packed.is_reversible() && !matches!(self.form(), Form::Packed(_)) {
            *self.form.write().unwrap_or_else(PoisonError::into_inner) = Form::Packed(Arc::clone(packed));
        }
    }

    pub(crate) fn form(&self) -> Form {
        self.form.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl From<Tensor> for Weight {
    fn from(tensor: Tensor) -> Self {
        Self { shape: tensor.shape().to_vec(), form: RwLock::new(Form::Whole(Arc::new(tensor))) }
    }
}

/// The bits of halves, which stay halves where the kernels read them as fast as numbers.
impl From<ArrayD<u16>> for Weight {
    fn from(bits: ArrayD<u16>) -> Self {
        let bits = if bits.is_standard_layout() { bits } else { bits.as_standard_layout().into_owned() };
        let halves = Self { shape: bits.shape().to_vec(), form: RwLock::new(Form::Half(Arc::new(bits))) };
        match Level::current() {
            Ok(level) if !level.reads_halves() => halves.into_tensor().into(),
            _ => halves,
        }
    }
}

/// The bits of a weight's halves.
fn halves(bits: &ArrayD<u16>) -> &[u16] {
    bits.as_slice().unwrap_or_default()
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
            let packed =
                PackedConv::new(level, algorithm, &shape, Direction::Forward, values[..].into(), None).unwrap();
            let weight = Weight::from(tensor.clone());
            weight.keep_packed(&Arc::new(packed));
            assert_eq!(matches!(weight.form(), Form::Packed(_)), is_let_go, "{algorithm}");
            assert_eq!(*weight.tensor(), tensor, "{algorithm}");
            assert_eq!(weight.shape(), tensor.shape());
        }
    }
}
