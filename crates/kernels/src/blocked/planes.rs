//! Images of few channels, which in blocks would be nearly all idle lanes: above all the one that a network is given.
//!
//! `[n][top + h + bottom][c][left + w + right]`: a [`Layout`] whose blocks are of one channel.

use super::layout::Layout;
use super::weights::Channels;
use crate::level::Level;
use crate::parallel;

/// The most channels.
const CHANNELS: usize = 4;

/// Whether a convolution is better off with planes. Not where vectors have four numbers: programs for them must be small.
pub(super) fn takes(level: Level, channels: &Channels) -> bool {
    level.lanes() > 4 && channels.groups == 1 && channels.inputs <= CHANNELS
}

/// All values, with the halo.
pub(super) fn len(layout: &Layout) -> usize {
    layout.batch * layout.stored_rows() * layout.channels * layout.stored_columns()
}

/// Fills `values` from `image [n, c, h, w]`, and the halo with zeros.
pub(super) fn pack(layout: &Layout, image: &[f32], values: &mut [f32]) {
    let Layout { channels, size: [height, width], halo, .. } = *layout;
    let stride = layout.stored_columns();
    parallel::for_each_chunk(values, channels * stride, |row, planes| {
        let (n, y) = (row / layout.stored_rows(), (row % layout.stored_rows()).checked_sub(halo.top));
        let inside = y.filter(|y| *y < height);
        for (channel, plane) in planes.chunks_exact_mut(stride).enumerate() {
            let Some(y) = inside else {
                plane.fill(0.0);
                continue;
            };
            let (left, rest) = plane.split_at_mut(halo.left);
            let (pixels, right) = rest.split_at_mut(width);
            left.fill(0.0);
            pixels.copy_from_slice(&image[((n * channels + channel) * height + y) * width..][..width]);
            right.fill(0.0);
        }
    });
}

/// Some rows of an image `[c, h, w]`.
pub(super) struct Piece<'a> {
    /// Which of the batch.
    pub image: usize,
    /// Each row's number, and the row of each channel.
    pub rows: Vec<(usize, Vec<&'a mut [f32]>)>,
}

/// Cuts each image of `[n, c, h, w]`, of which none is empty, into so many pieces or fewer.
pub(super) fn pieces<'a>(layout: &Layout, count: usize, values: &'a mut [f32]) -> Vec<Piece<'a>> {
    let Layout { channels, size: [height, width], .. } = *layout;
    let length = height.div_ceil(count);
    let mut pieces = Vec::new();
    for (image, values) in values.chunks_exact_mut(channels * height * width).enumerate() {
        let mut planes: Vec<_> = values.chunks_exact_mut(height * width).map(|plane| plane.chunks_mut(width)).collect();
        for first in (0..height).step_by(length) {
            let numbers = first..height.min(first + length);
            let rows = numbers.map(|y| (y, planes.iter_mut().filter_map(Iterator::next).collect())).collect();
            pieces.push(Piece { image, rows });
        }
    }
    pieces
}
