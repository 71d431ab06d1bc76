//! How an output is cut into pieces of work. It depends on shapes only, never on the number of threads.

use std::ops::Range;

use super::BLOCK;
use super::layout::Layout;
use crate::shape::Padding;

/// The pieces that an output is cut into, about: enough for the threads to share evenly.
pub(super) const PIECES: usize = 16;
/// The fewest rows of a piece: a panel of weights is read once for all of them.
const ROWS: usize = 7;

/// Some rows of some blocks of channels.
pub(super) struct Piece<'a> {
    /// Rows, counted over the batch.
    pub rows: Range<usize>,
    /// Panels of blocks.
    pub panels: Range<usize>,
    /// For each row, the blocks of these panels with their halo.
    pub slices: Vec<&'a mut [f32]>,
    /// The same of rows that are all halo.
    around: Vec<&'a mut [f32]>,
}

impl Piece<'_> {
    /// Writes zeros to the halo.
    #[inline(never)]
    pub fn clear_halo(&mut self, layout: &Layout) {
        if layout.halo == Padding::default() {
            return;
        }
        self.around.iter_mut().for_each(|row| row.fill(0.0));
        let [left, right] = [0, layout.size[1]].map(|column| (layout.halo.left + column) * BLOCK);
        for block in self.slices.iter_mut().flat_map(|row| row.chunks_exact_mut(layout.block_stride())) {
            block[..left].fill(0.0);
            block[right..].fill(0.0);
        }
    }
}

/// Cuts an output into groups of rows and of panels of `panel` blocks, where one of `step` rows reads the same weights.
pub(super) fn pieces<'a>(layout: &Layout, panel: usize, step: usize, values: &'a mut [f32]) -> Vec<Piece<'a>> {
    let (rows, panels) = (layout.batch * layout.size[0], layout.blocks().div_ceil(panel));
    let height = rows.div_ceil(rows.div_ceil(ROWS * step).clamp(1, PIECES)).max(1);
    let panel_groups = PIECES.div_ceil(rows.div_ceil(height).max(1)).clamp(1, panels.max(1));
    pieces_by(layout, panel, panels.div_ceil(panel_groups), &|row| row / height, values)
}

/// Cuts an output into groups of rows, by the number that `group` gives each row in ascending order, and of `width` panels
/// of `panel` blocks. The pieces of a group of rows follow each other. Rows above and below an image go with its first and last.
pub(super) fn pieces_by<'a>(
    layout: &Layout,
    panel: usize,
    width: usize,
    group: &dyn Fn(usize) -> usize,
    values: &'a mut [f32],
) -> Vec<Piece<'a>> {
    let panels = layout.blocks().div_ceil(panel);
    let (stored, Layout { halo, size: [height, _], .. }) = (layout.stored_rows(), *layout);
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    let mut last = None;
    if height == 0 {
        values.fill(0.0);
        return pieces;
    }
    // Room enough: groups have about as many rows as the first.
    let room = (0..layout.batch * height).take_while(|row| group(*row) == group(0)).count();
    for (place, row) in values.chunks_exact_mut(layout.row_stride().max(1)).enumerate() {
        let y = (place % stored).saturating_sub(halo.top).min(height - 1);
        let is_inside = place % stored == halo.top + y;
        let index = place / stored * height + y;
        let group = Some(group(index));
        if group != last {
            pieces.extend((0..panels).step_by(width.max(1)).map(|first| Piece {
                rows: index..index,
                panels: first..(first + width).min(panels),
                slices: Vec::with_capacity(room),
                around: Vec::new(),
            }));
            last = group;
        }
        let from = pieces.len() - panels.div_ceil(width.max(1));
        let slices = row.chunks_mut((width * panel * layout.block_stride()).max(1));
        for (piece, slice) in pieces[from..].iter_mut().zip(slices) {
            if is_inside {
                piece.rows.end = index + 1;
                piece.slices.push(slice);
            } else {
                piece.around.push(slice);
            }
        }
    }
    pieces
}
