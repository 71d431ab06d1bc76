//! What each output of a pooling reads along one axis.

use gradex_kernels::{PoolShape, Span};

use crate::error::{Error, Result};
use crate::tensor::nchw;

/// A sliding pooling window: `[rows, columns]` of each property.
pub(super) struct Sliding {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    /// Whether a last window that only partly fits is kept, if it starts inside the input or its left padding.
    pub ceil_mode: bool,
    /// Whether an average divides by the padding that a window covers too.
    pub count_padding: bool,
}

impl Sliding {
    /// The pooling of an input `[n, c, h, w]`.
    pub(super) fn shape(&self, op: &'static str, input: &[usize]) -> Result<PoolShape> {
        let [batch, channels, height, width] = nchw(op, input)?;
        let spans = |axis: usize, size: usize| {
            self.spans(axis, size).ok_or_else(|| {
                let Self { kernel, padding, .. } = self;
                Error::shape(
                    op,
                    format!("an image that its {kernel:?} window with padding {padding:?} fits into"),
                    input,
                )
            })
        };
        Ok(PoolShape {
            planes: batch * channels,
            input: [height, width],
            rows: spans(0, height)?,
            columns: spans(1, width)?,
        })
    }

    fn spans(&self, axis: usize, size: usize) -> Option<Vec<Span>> {
        let (kernel, stride, padding) = (self.kernel[axis], self.stride[axis], self.padding[axis]);
        if kernel == 0 || stride == 0 || padding >= kernel {
            return None;
        }
        let room = (size + 2 * padding).checked_sub(kernel)?;
        let mut count = if self.ceil_mode { room.div_ceil(stride) } else { room / stride } + 1;
        if self.ceil_mode && (count - 1) * stride >= size + padding {
            count -= 1;
        }
        let span = |index: usize| {
            let (start, end) = (index * stride, (index * stride + kernel).min(size + 2 * padding));
            let (inner_start, inner_end) = (start.saturating_sub(padding), (end.saturating_sub(padding)).min(size));
            let divisor = if self.count_padding { end - start } else { inner_end - inner_start };
            Span { start: inner_start, end: inner_end, divisor }
        };
        Some((0..count).map(span).collect())
    }
}
