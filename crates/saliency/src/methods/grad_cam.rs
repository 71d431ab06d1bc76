//! Grad-CAM (R. Selvaraju et al., ICCV 2017, equations 1 and 2).
//!
//! With `x` the point's output and `g` the gradient of the class's logit there:
//! `w_c = mean over pixels of g_c`, `map = max(0, Σ_c w_c x_c)`.
//! Activation and gradient are taken at the same point, the output of one named node.

use gradex_engine::{Network, NodeId, Tape};
use ndarray::{Array2, ArrayView3, Axis, Ix4};

use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::target::one_hot;

/// The map of each image for its class: `classes[n]` is image `n`'s. The tape must retain all from `point` on.
///
/// # Errors
/// [`Error::NotAnImage`] or [`Error::Unrelated`] where the method cannot be applied at the point,
/// [`Error::NoSuchClass`] or [`Error::ClassesPerImage`] for the classes, [`Error::NonFinite`] where the gradient overflows.
pub fn grad_cam(network: &Network, tape: &Tape, point: NodeId, classes: &[usize]) -> Result<Vec<CoarseMap>> {
    let seed = one_hot(tape, classes)?;
    let name = &network.graph().node(point).name;
    let not_an_image = || Error::NotAnImage { point: name.clone(), shape: tape.shape(point).to_vec() };
    let activations = tape.output(point)?.view().into_dimensionality::<Ix4>().map_err(|_| not_an_image())?;
    if !network.graph().depend_on(&[point])[network.graph().logits().index()] {
        return Err(Error::Unrelated { point: name.clone() });
    }
    let mut gradients = network.gradient(tape, seed, &[point])?;
    let gradients = gradients.remove(&point).ok_or_else(not_an_image)?;
    let gradients = gradients.into_dimensionality::<Ix4>().map_err(|_| not_an_image())?;
    activations.outer_iter().zip(gradients.outer_iter()).map(|(x, g)| one_image(point, x, g)).collect()
}

fn one_image(point: NodeId, activations: ArrayView3<'_, f32>, gradients: ArrayView3<'_, f32>) -> Result<CoarseMap> {
    let (_, height, width) = activations.dim();
    let mut values = Array2::zeros((height, width));
    for (x, g) in activations.axis_iter(Axis(0)).zip(gradients.axis_iter(Axis(0))) {
        values.scaled_add(g.mean().unwrap_or(0.0), &x);
    }
    if !values.iter().all(|value: &f32| value.is_finite()) {
        return Err(Error::NonFinite { what: "Grad-CAM map" });
    }
    values.mapv_inplace(|value| value.max(0.0));
    Ok(CoarseMap { point, values })
}
