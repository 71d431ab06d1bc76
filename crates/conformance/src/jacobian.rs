//! A layer's Jacobian, dense and in float64.
//!
//! - An affine layer's is read off column by column: the output, without bias, for each unit vector. The bias is the output
//!   for zeros.
//! - Another layer's column `i` is `(f(x + h e_i) - f(x - h e_i)) / 2h`, h = 1/256. Where the differences to the left and to
//!   the right are not one, the layer has a kink and no Jacobian.

use gradex_engine::{Layer, Result, Tensor};
use ndarray::Array2;

use crate::replica::Expected;
use crate::scene::{Scene, linear};

const STEP: f32 = 1.0 / 256.0;
/// More than the two differences of a smooth layer are apart, and less than those at a kink.
const KINK: f64 = 1e-2;

/// How every output depends on every input; the inputs one after the other, each row-major.
#[derive(Debug, Clone)]
pub struct Jacobian {
    /// `[outputs, inputs]`
    pub matrix: Array2<f64>,
    /// Of each output; zeros where the layer is not affine.
    pub bias: Vec<f64>,
    /// How far an entry may be off.
    pub error: f64,
}

impl Jacobian {
    /// The Jacobian at the scene's inputs; none at a kink.
    ///
    /// # Errors
    /// Those of the layer.
    pub fn of(scene: &Scene) -> Result<Option<Self>> {
        let columns = scene.inputs.iter().map(Tensor::len).sum();
        let mut matrix = Array2::zeros((scene.output.len(), columns));
        let Some(layer) = scene.op.affine() else { return differences(scene, matrix) };
        let params = linear(&scene.params);
        let zeros: Vec<Tensor> = scene.inputs.iter().map(|input| Tensor::zeros(input.shape())).collect();
        for column in 0..columns {
            let unit = moved(&zeros, column, 1.0);
            let output = layer.apply(&params, &unit.iter().collect::<Vec<_>>())?;
            matrix.column_mut(column).iter_mut().zip(&output).for_each(|(entry, value)| *entry = f64::from(*value));
        }
        let bias = layer.apply(&scene.params, &zeros.iter().collect::<Vec<_>>())?;
        Ok(Some(Self { matrix, bias: flat([&bias]), error: 0.0 }))
    }

    /// `Jᵀ upstream`, over all inputs.
    #[must_use]
    pub fn transpose(&self, upstream: &[f64]) -> Vec<f64> {
        let mut sent = vec![0.0; self.matrix.ncols()];
        for (row, r) in self.matrix.outer_iter().zip(upstream) {
            sent.iter_mut().zip(row).for_each(|(sent, w)| *sent += w * r);
        }
        sent
    }

    /// What the gradient sends.
    #[must_use]
    pub fn expected(&self, upstream: &[f64]) -> Expected {
        let doubt = self.error * upstream.iter().map(|r| r.abs()).sum::<f64>();
        Expected { doubt: vec![doubt; self.matrix.ncols()], ..Expected::exactly(self.transpose(upstream)) }
    }

    /// Whether every output is a mean of inputs, or one of them.
    #[must_use]
    pub fn rows_sum_to_one(&self) -> bool {
        self.matrix.outer_iter().all(|row| (row.sum() - 1.0).abs() < 1e-6)
    }
}

fn differences(scene: &Scene, mut matrix: Array2<f64>) -> Result<Option<Jacobian>> {
    let output = |column: usize, step: f32| -> Result<Vec<f64>> {
        let inputs = moved(&scene.inputs, column, step);
        let (output, _) = scene.op.forward(&scene.params, &inputs.iter().collect::<Vec<_>>())?;
        Ok(flat([&output]))
    };
    let (here, step) = (flat([&scene.output]), f64::from(STEP));
    for column in 0..matrix.ncols() {
        let (left, right) = (output(column, -STEP)?, output(column, STEP)?);
        for (row, here) in here.iter().enumerate() {
            let slopes = [(here - left[row]) / step, (right[row] - here) / step];
            if (slopes[0] - slopes[1]).abs() > KINK {
                return Ok(None);
            }
            matrix[[row, column]] = (slopes[0] + slopes[1]) / 2.0;
        }
    }
    let bias = vec![0.0; matrix.nrows()];
    Ok(Some(Jacobian { matrix, bias, error: 3e-5 }))
}

/// The tensors with `step` added to one value, counted through all of them.
fn moved(tensors: &[Tensor], place: usize, step: f32) -> Vec<Tensor> {
    let mut moved = tensors.to_vec();
    moved.iter_mut().flatten().skip(place).take(1).for_each(|value| *value += step);
    moved
}

/// The values of these tensors, one after the other.
pub(crate) fn flat<'t>(tensors: impl IntoIterator<Item = &'t Tensor>) -> Vec<f64> {
    tensors.into_iter().flatten().map(|value| f64::from(*value)).collect()
}
