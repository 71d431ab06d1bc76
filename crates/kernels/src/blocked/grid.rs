//! How an output is cut into pieces of work. It depends on shapes only, never on the number of threads.

use std::ops::Range;

use super::layout::Layout;

/// The pieces that an output is cut into, about: enough for the threads to share evenly.
const PIECES: usize = 16;
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
}

/// Cuts an output into groups of rows and of panels of `panel` blocks.
pub(super) fn pieces<'a>(layout: &Layout, panel: usize, values: &'a mut [f32]) -> Vec<Piece<'a>> {
    let (rows, panels) = (layout.batch * layout.size[0], layout.blocks().div_ceil(panel));
    let height = rows.div_ceil(rows.div_ceil(ROWS).clamp(1, PIECES)).max(1);
    let panel_groups = PIECES.div_ceil(rows.div_ceil(height).max(1)).clamp(1, panels.max(1));
    pieces_by(layout, panel, panels.div_ceil(panel_groups), |row| row / height, values)
}

/// Cuts an output into groups of rows, by the number that `group` gives each row in ascending order, and of `width` panels
/// of `panel` blocks. The pieces of a group of rows follow each other.
pub(super) fn pieces_by<'a>(
    layout: &Layout,
    panel: usize,
    width: usize,
    group: impl Fn(usize) -> usize,
    values: &'a mut [f32],
) -> Vec<Piece<'a>> {
    let panels = layout.blocks().div_ceil(panel);
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    for (index, row) in layout.rows_mut(values).enumerate() {
        if index == 0 || group(index) != group(index - 1) {
            pieces.extend((0..panels).step_by(width.max(1)).map(|first| Piece {
                rows: index..index,
                panels: first..(first + width).min(panels),
                slices: Vec::new(),
            }));
        }
        let from = pieces.len() - panels.div_ceil(width.max(1));
        let slices = row.chunks_mut((width * panel * layout.block_stride()).max(1));
        for (piece, slice) in pieces[from..].iter_mut().zip(slices) {
            piece.rows.end = index + 1;
            piece.slices.push(slice);
        }
    }
    pieces
}
