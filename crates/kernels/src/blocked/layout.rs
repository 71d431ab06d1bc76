//! Where the channels and pixels of an image lie, and the way from `[n, c, h, w]` and back.

use super::BLOCK;
use super::grid::pieces_by;
use crate::error::{Result, expect_len};
use crate::parallel;
use crate::shape::Padding;

/// Numbers that one piece of work unpacks, about.
const UNPACKED: usize = 4096;

/// `[n][top + h + bottom][c / 16][left + w + right][16]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Zeros around each image.
    pub halo: Padding,
}

/// An image in a layout.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The layout.
    pub layout: Layout,
    /// [`Layout::len`] values.
    pub values: &'a [f32],
}

impl Layout {
    /// Blocks of channels.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(BLOCK)
    }

    /// From one block of a row to the next.
    #[must_use]
    pub fn block_stride(&self) -> usize {
        self.stored_columns() * BLOCK
    }

    /// From one row to the next.
    #[must_use]
    pub fn row_stride(&self) -> usize {
        self.blocks() * self.block_stride()
    }

    /// Whether images of the two are of one shape, whatever their halos.
    pub(super) fn is_shaped_as(&self, other: &Self) -> bool {
        (self.batch, self.channels, self.size) == (other.batch, other.channels, other.size)
    }

    /// Columns of one image, with its halo.
    pub(crate) fn stored_columns(&self) -> usize {
        self.halo.left + self.size[1] + self.halo.right
    }

    /// Rows of one image, with its halo.
    pub(crate) fn stored_rows(&self) -> usize {
        self.halo.top + self.size[0] + self.halo.bottom
    }

    /// All values, with the halo.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch * self.stored_rows() * self.row_stride()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the first block of row `y` of image `n` starts, left of its halo.
    pub(crate) fn row_start(&self, n: usize, y: usize) -> usize {
        (n * self.stored_rows() + self.halo.top + y) * self.row_stride()
    }

    /// Fills `values` from `image [n, c, h, w]`, and the halo with zeros.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) where a slice has another length.
    pub fn pack(&self, image: &[f32], values: &mut [f32]) -> Result<()> {
        expect_len("image", image.len(), self.batch * self.channels * self.size[0] * self.size[1])?;
        expect_len("blocked image", values.len(), self.len())?;
        let [height, width] = self.size;
        parallel::for_each(pieces_by(self, self.blocks().max(1), 1, &|row| row, values), |mut row| {
            row.clear_halo(self);
            let (n, y) = (row.rows.start / height, row.rows.start % height);
            let blocks = row.slices.iter_mut().flat_map(|row| row.chunks_exact_mut(self.block_stride()));
            for (block, target) in blocks.enumerate() {
                let target = &mut target[self.halo.left * BLOCK..][..width * BLOCK];
                let channels = block * BLOCK..self.channels.min((block + 1) * BLOCK);
                let rows =
                    channels.map(|channel| &image[((n * self.channels + channel) * height + y) * width..][..width]);
                let rows: Vec<&[f32]> = rows.collect();
                // Pixel by pixel: a line of the cache is written once.
                for (x, pixel) in target.chunks_exact_mut(BLOCK).enumerate() {
                    let (used, unused) = pixel.split_at_mut(rows.len());
                    used.iter_mut().zip(&rows).for_each(|(value, row)| *value = row[x]);
                    unused.fill(0.0);
                }
            }
        });
        Ok(())
    }

    /// Fills `image [n, c, h, w]` from `values`.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) where a slice has another length.
    pub fn unpack(&self, values: &[f32], image: &mut [f32]) -> Result<()> {
        let [height, width] = self.size;
        expect_len("image", image.len(), self.batch * self.channels * height * width)?;
        expect_len("blocked image", values.len(), self.len())?;
        let pixels = height * width;
        let together = UNPACKED.div_ceil(BLOCK * pixels.max(1));
        for (n, image) in image.chunks_exact_mut((self.channels * pixels).max(1)).enumerate() {
            parallel::for_each_chunk(image, together * BLOCK * pixels, |piece, image| {
                for (block, planes) in image.chunks_mut(BLOCK * pixels).enumerate() {
                    self.unpack_block(n, piece * together + block, values, planes);
                }
            });
        }
        Ok(())
    }

    /// Fills the channels of one block, `[c, h, w]`.
    fn unpack_block(&self, n: usize, block: usize, values: &[f32], planes: &mut [f32]) {
        let [height, width] = self.size;
        for y in 0..height {
            let start = self.row_start(n, y) + block * self.block_stride() + self.halo.left * BLOCK;
            for (x, pixel) in values[start..][..width * BLOCK].chunks_exact(BLOCK).enumerate() {
                let place = planes[y * width + x..].iter_mut().step_by(height * width);
                place.zip(pixel).for_each(|(target, source)| *target = *source);
            }
        }
    }
}
