//! Declared shapes, checked before anything is allocated for them.

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use crate::{Error, Result};

/// More dimensions than any weight has, few enough that a shape is cheap whatever it declares.
pub(crate) const MAX_RANK: usize = 16;

/// The number of elements of `shape`; an error where it has too many dimensions or elements to exist.
pub(crate) fn numel(format: &'static str, shape: &[usize]) -> Result<usize> {
    if shape.len() > MAX_RANK {
        let reason = format!("a shape has {} dimensions, at most {MAX_RANK} are read", shape.len());
        return Err(Error::malformed(format, reason));
    }
    // Zeros last: the other dimensions must be sane even of an empty tensor.
    let non_zero = shape.iter().filter(|&&size| size != 0);
    let product = non_zero.copied().try_fold(1usize, usize::checked_mul);
    match product.filter(|&product| isize::try_from(product).is_ok()) {
        None => Err(Error::malformed(format, format!("shape {shape:?} has more elements than memory has bytes"))),
        Some(_) if shape.contains(&0) => Ok(0),
        Some(product) => Ok(product),
    }
}

/// A tensor of `values` in row-major order, or in column-major order for `fortran`; row-major in memory.
pub(crate) fn tensor<E: Clone>(
    format: &'static str,
    shape: &[usize],
    values: Vec<E>,
    fortran: bool,
) -> Result<ArrayD<E>> {
    let dimensions = IxDyn(shape).set_f(fortran);
    match ArrayD::from_shape_vec(dimensions, values) {
        Ok(tensor) if tensor.is_standard_layout() => Ok(tensor),
        Ok(tensor) => Ok(tensor.as_standard_layout().into_owned()),
        Err(error) => Err(Error::malformed(format, format!("shape {shape:?}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numel_counts_and_refuses_overflow_even_behind_a_zero() {
        assert_eq!(numel("test", &[]).unwrap(), 1);
        assert_eq!(numel("test", &[2, 3, 4]).unwrap(), 24);
        assert_eq!(numel("test", &[2, 0, 4]).unwrap(), 0);
        assert!(numel("test", &[usize::MAX, 2]).is_err());
        assert!(numel("test", &[0, usize::MAX, 2]).is_err());
        assert!(numel("test", &[usize::MAX, 2, 0]).is_err());
        assert!(numel("test", &[1; MAX_RANK + 1]).is_err());
    }

    #[test]
    fn column_major_values_are_put_in_row_major_order() {
        let tensor = tensor("test", &[2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], true).unwrap();
        assert_eq!(tensor.as_slice().unwrap(), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    }
}
