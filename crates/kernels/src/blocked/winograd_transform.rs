//! The three transforms of F(4x4, 3x3), with the points 0, ±1, ±2 and ∞.

use std::array::from_fn;

use super::BLOCK;
use crate::arch::Simd;

/// Rows and columns of an input tile.
pub(super) const INPUT: usize = 6;
/// Rows and columns of an output tile.
pub(super) const OUTPUT: usize = 4;
/// Products a tile and pair of channels.
pub(super) const PLACES: usize = INPUT * INPUT;

/// `G`
const WINDOW: [[f64; 3]; INPUT] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// `G g Gᵀ`, row-major, in `f64`; of the window turned by 180 degrees where `turned`.
pub(super) fn window(taps: &[f32], turned: bool) -> [f32; PLACES] {
    let tap = |row: usize, column: usize| {
        let index = row * 3 + column;
        f64::from(taps[if turned { 8 - index } else { index }])
    };
    let rows: [[f64; 3]; INPUT] = from_fn(|i| from_fn(|j| (0..3).map(|k| WINDOW[i][k] * tap(k, j)).sum()));
    from_fn(|place| {
        let (i, j) = (place / INPUT, place % INPUT);
        (0..3).map(|k| rows[i][k] * WINDOW[j][k]).sum::<f64>() as f32
    })
}

/// `Bᵀ d B` of the tile at the front of `input`; its places lie `place` apart in `output`.
#[inline(always)]
pub(super) fn input_tile<S: Simd>(simd: S, input: &[f32], row_stride: usize, output: &mut [f32], place: usize) {
    let mut rows = [[simd.splat(0.0); INPUT]; INPUT];
    for (i, row) in rows.iter_mut().enumerate() {
        let line = &input[i * row_stride..][..(INPUT - 1) * BLOCK + S::LANES];
        *row = spread(simd, from_fn(|j| simd.load(&line[j * BLOCK..])));
    }
    for j in 0..INPUT {
        let column = spread(simd, from_fn(|i| rows[i][j]));
        for (i, value) in column.into_iter().enumerate() {
            simd.store(value, &mut output[(i * INPUT + j) * place..]);
        }
    }
}

/// `Aᵀ m A` of the tile at the front of `input`, whose places lie `place` apart.
#[inline(always)]
pub(super) fn output_tile<S: Simd>(simd: S, input: &[f32], place: usize) -> [[S::Vector; OUTPUT]; OUTPUT] {
    let mut rows = [[simd.splat(0.0); OUTPUT]; INPUT];
    for (i, row) in rows.iter_mut().enumerate() {
        *row = gather(simd, from_fn(|j| simd.load(&input[(i * INPUT + j) * place..])));
    }
    let mut tile = [[simd.splat(0.0); OUTPUT]; OUTPUT];
    for j in 0..OUTPUT {
        let column = gather(simd, from_fn(|i| rows[i][j]));
        for (i, value) in column.into_iter().enumerate() {
            tile[i][j] = value;
        }
    }
    tile
}

/// `Bᵀ d`
#[inline(always)]
fn spread<S: Simd>(simd: S, d: [S::Vector; INPUT]) -> [S::Vector; INPUT] {
    let (two, four, minus_four, minus_five) = (simd.splat(2.0), simd.splat(4.0), simd.splat(-4.0), simd.splat(-5.0));
    let first = simd.mul_add(minus_five, d[2], simd.mul_add(four, d[0], d[4]));
    let last = simd.mul_add(minus_five, d[3], simd.mul_add(four, d[1], d[5]));
    let (a, b) = (simd.mul_add(minus_four, d[2], d[4]), simd.mul_add(minus_four, d[1], d[3]));
    let (c, e) = (simd.sub(d[4], d[2]), simd.mul(two, simd.sub(d[3], d[1])));
    [first, simd.add(a, b), simd.sub(a, b), simd.add(c, e), simd.sub(c, e), last]
}

/// `Aᵀ m`
#[inline(always)]
fn gather<S: Simd>(simd: S, m: [S::Vector; INPUT]) -> [S::Vector; OUTPUT] {
    let (two, four, eight) = (simd.splat(2.0), simd.splat(4.0), simd.splat(8.0));
    let (a, b) = (simd.add(m[1], m[2]), simd.sub(m[1], m[2]));
    let (c, d) = (simd.add(m[3], m[4]), simd.sub(m[3], m[4]));
    [
        simd.add(simd.add(m[0], a), c),
        simd.mul_add(two, d, b),
        simd.mul_add(four, c, a),
        simd.add(simd.mul_add(eight, d, b), m[5]),
    ]
}
