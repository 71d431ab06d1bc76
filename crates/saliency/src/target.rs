//! What is explained: a logit of each image.

use gradex_engine::{Tape, Tensor};

use crate::error::{Error, Result};

/// The gradient of the sum of `classes[n]`'s logit of image `n`: one-hot rows, of the logits' shape.
pub(crate) fn one_hot(tape: &Tape, classes: &[usize]) -> Result<Tensor> {
    tape.image_logits(0)?;
    let mut seed = Tensor::zeros(tape.logits()?.shape());
    let [images, available] = [seed.shape()[0], seed.len() / seed.shape()[0]];
    if classes.len() != images {
        return Err(Error::ClassesPerImage { images, classes: classes.len() });
    }
    for (mut row, class) in seed.outer_iter_mut().zip(classes) {
        match row.get_mut(*class) {
            Some(value) => *value = 1.0,
            None => return Err(Error::NoSuchClass { class: *class, classes: available }),
        }
    }
    Ok(seed)
}
