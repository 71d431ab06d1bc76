//! Matrix products over ndarray's own gemm, split into tiles of the output.

use ndarray::{ArrayView2, ArrayViewMut2, Axis, linalg::general_mat_mul};

use crate::parallel;

/// Rows and columns of an output tile. They depend on nothing, so the split never depends on the thread count.
const TILE: [usize; 2] = [128, 512];

/// `c = a b + beta c` for `a [m, k]`, `b [k, n]`, `c [m, n]`.
pub(crate) fn gemm(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>, beta: f32, mut c: ArrayViewMut2<'_, f32>) {
    let mut tiles = Vec::new();
    for (i, rows) in c.axis_chunks_iter_mut(Axis(0), TILE[0]).enumerate() {
        for (j, tile) in split_columns(rows, TILE[1]).into_iter().enumerate() {
            tiles.push(([i * TILE[0], j * TILE[1]], tile));
        }
    }
    parallel::for_each(tiles, |([row, column], mut tile)| {
        let (height, width) = tile.dim();
        let a = a.slice(ndarray::s![row..row + height, ..]);
        let b = b.slice(ndarray::s![.., column..column + width]);
        general_mat_mul(1.0, &a, &b, beta, &mut tile);
    });
}

/// Cuts a matrix into pieces of `width` columns; the last may be narrower.
fn split_columns(matrix: ArrayViewMut2<'_, f32>, width: usize) -> Vec<ArrayViewMut2<'_, f32>> {
    let mut pieces = Vec::new();
    let mut rest = matrix;
    while rest.ncols() > width {
        let (piece, tail) = rest.split_at(Axis(1), width);
        pieces.push(piece);
        rest = tail;
    }
    pieces.push(rest);
    pieces
}
