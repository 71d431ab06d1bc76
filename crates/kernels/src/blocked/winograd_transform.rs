//! The three transforms of F(4x4, 3x3), with the points 0, ±5/8, ±3/2 and ∞: they round half as much as 0, ±1, ±2 and ∞.
//! And those of F(2x2, 3x3), with 0, ±1 and ∞.
//!
//! With `M(x) = x (x² - a²) (x² - b²)`, or `M(x) = x (x² - 1)`: row `p` of `Bᵀ` holds the coefficients of `M(x) / (x - p)`, of
//! `G` those of `(1, p, p²) / M'(p)`, column `p` of `Aᵀ` those of `(1, p, p², p³)`, or `(1, p)` (B. Barabasz, A. Anderson,
//! K. Soodhalter, D. Gregg, ACM TOMS 2020).

use super::BLOCK;
use crate::arch::Simd;
use crate::shape::ConvShape;
use crate::weights::Element;

/// How many outputs a tile has along a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tile {
    /// F(2x2, 3x3)
    Two,
    /// F(4x4, 3x3)
    Four,
}

impl Tile {
    /// Rows and columns of an output tile.
    pub(super) fn output(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Rows and columns of an input tile.
    pub(super) fn input(self) -> usize {
        self.output() + 2
    }

    /// Products a tile and pair of channels.
    pub(super) fn places(self) -> usize {
        self.input() * self.input()
    }

    /// Tiles of one image.
    pub(super) fn count(self, shape: &ConvShape) -> usize {
        shape.output.map(|size| size.div_ceil(self.output())).iter().product()
    }
}

/// The points `a` and `b`: their squares and the products of those have few bits, so the coefficients are exact.
const POINTS: [f64; 2] = [5.0 / 8.0, 3.0 / 2.0];
const SQUARES: [f64; 2] = [POINTS[0] * POINTS[0], POINTS[1] * POINTS[1]];

/// `M'(p)` at `p = ±a` and at `p = ±b`.
const SLOPES: [f64; 2] = [2.0 * SQUARES[0] * (SQUARES[0] - SQUARES[1]), 2.0 * SQUARES[1] * (SQUARES[1] - SQUARES[0])];

/// `G g Gᵀ` of the window at the front of `window`, whose taps lie `tap` apart; its places lie `place` apart in `output`.
#[inline(always)]
pub(super) fn window_tile<S: Simd, W: Element, const INPUT: usize>(
    simd: S,
    window: &[W],
    tap: usize,
    output: &mut [f32],
    place: usize,
) {
    let mut rows = [[simd.splat(0.0); 3]; INPUT];
    for j in 0..3 {
        let taps = [0, 1, 2].map(|i| (3 * i + j) * tap);
        let column = points::<S, INPUT>(
            simd,
            [W::load(simd, &window[taps[0]..]), W::load(simd, &window[taps[1]..]), W::load(simd, &window[taps[2]..])],
        );
        for (row, value) in rows.iter_mut().zip(column) {
            row[j] = value;
        }
    }
    for (i, row) in rows.into_iter().enumerate() {
        for (j, value) in points::<S, INPUT>(simd, row).into_iter().enumerate() {
            simd.store(value, &mut output[(i * INPUT + j) * place..]);
        }
    }
}

/// `Bᵀ d B` of the tile at the front of `input`; its places lie `place` apart in `output`.
#[inline(always)]
pub(super) fn input_tile<S: Simd, const INPUT: usize>(
    simd: S,
    input: &[f32],
    row_stride: usize,
    output: &mut [f32],
    place: usize,
) {
    let mut rows = [[simd.splat(0.0); INPUT]; INPUT];
    for (i, row) in rows.iter_mut().enumerate() {
        let line = &input[i * row_stride..][..(INPUT - 1) * BLOCK + S::LANES];
        *row = spread::<S, INPUT>(simd, simd.loads(line, BLOCK));
    }
    for j in 0..INPUT {
        let column = spread::<S, INPUT>(simd, column(&rows, j));
        for (i, value) in column.into_iter().enumerate() {
            simd.store(value, &mut output[(i * INPUT + j) * place..]);
        }
    }
}

/// `Aᵀ m A` of the tile at the front of `input`, whose places lie `place` apart.
#[inline(always)]
pub(super) fn output_tile<S: Simd, const INPUT: usize, const OUTPUT: usize>(
    simd: S,
    input: &[f32],
    place: usize,
) -> [[S::Vector; OUTPUT]; OUTPUT] {
    let mut rows = [[simd.splat(0.0); OUTPUT]; INPUT];
    for (i, row) in rows.iter_mut().enumerate() {
        *row = gather::<S, INPUT, OUTPUT>(simd, simd.loads(&input[i * INPUT * place..], place));
    }
    let mut tile = [[simd.splat(0.0); OUTPUT]; OUTPUT];
    let mut columns = [[simd.splat(0.0); OUTPUT]; OUTPUT];
    for (j, target) in columns.iter_mut().enumerate() {
        *target = gather::<S, INPUT, OUTPUT>(simd, column(&rows, j));
    }
    for (i, row) in tile.iter_mut().enumerate() {
        *row = column(&columns, i);
    }
    tile
}

#[inline(always)]
fn column<V: Copy, const WIDTH: usize, const HEIGHT: usize>(rows: &[[V; WIDTH]; HEIGHT], j: usize) -> [V; HEIGHT] {
    let mut column = [rows[0][j]; HEIGHT];
    for (value, row) in column.iter_mut().zip(rows) {
        *value = row[j];
    }
    column
}

/// `G g`
#[inline(always)]
fn points<S: Simd, const INPUT: usize>(simd: S, g: [S::Vector; 3]) -> [S::Vector; INPUT] {
    let number = |value: f64| simd.splat(value as f32);
    let mut places = [g[2]; INPUT];
    if const { INPUT == 4 } {
        let half = number(0.5);
        let (even, odd) = (simd.mul(half, simd.add(g[0], g[2])), simd.mul(half, g[1]));
        places[0] = simd.sub(number(0.0), g[0]);
        places[1] = simd.add(even, odd);
        places[2] = simd.sub(even, odd);
    } else {
        places[0] = simd.mul(number(1.0 / (SQUARES[0] * SQUARES[1])), g[0]);
        for (index, slope) in SLOPES.into_iter().enumerate() {
            let even = simd.mul(number(1.0 / slope), simd.mul_add(number(SQUARES[index]), g[2], g[0]));
            let odd = simd.mul(number(POINTS[index] / slope), g[1]);
            places[1 + 2 * index] = simd.add(even, odd);
            places[2 + 2 * index] = simd.sub(even, odd);
        }
    }
    places
}

/// `Bᵀ d`
#[inline(always)]
fn spread<S: Simd, const INPUT: usize>(simd: S, d: [S::Vector; INPUT]) -> [S::Vector; INPUT] {
    let mut places = d;
    if const { INPUT == 4 } {
        // x² - 1, x (x + 1), x (x - 1), x (x² - 1)
        places[0] = simd.sub(d[2], d[0]);
        places[1] = simd.add(d[2], d[1]);
        places[2] = simd.sub(d[2], d[1]);
        places[3] = simd.sub(d[3], d[1]);
    } else {
        let number = |value: f64| simd.splat(value as f32);
        let [a, b] = [number(POINTS[0]), number(POINTS[1])];
        let [a2, b2] = [number(-SQUARES[0]), number(-SQUARES[1])];
        let (sum, product) = (number(-SQUARES[0] - SQUARES[1]), number(SQUARES[0] * SQUARES[1]));
        let [minus_a, minus_b] = [number(-POINTS[0]), number(-POINTS[1])];
        let (even_a, odd_a) = (simd.mul_add(b2, d[2], d[4]), simd.mul_add(b2, d[1], d[3]));
        let (even_b, odd_b) = (simd.mul_add(a2, d[2], d[4]), simd.mul_add(a2, d[1], d[3]));
        places[0] = simd.mul_add(sum, d[2], simd.mul_add(product, d[0], d[4]));
        places[1] = simd.mul_add(a, odd_a, even_a);
        places[2] = simd.mul_add(minus_a, odd_a, even_a);
        places[3] = simd.mul_add(b, odd_b, even_b);
        places[4] = simd.mul_add(minus_b, odd_b, even_b);
        places[5] = simd.mul_add(sum, d[3], simd.mul_add(product, d[1], d[5]));
    }
    places
}

/// `Aᵀ m`
#[inline(always)]
fn gather<S: Simd, const INPUT: usize, const OUTPUT: usize>(simd: S, m: [S::Vector; INPUT]) -> [S::Vector; OUTPUT] {
    let mut outputs = [simd.splat(0.0); OUTPUT];
    if const { INPUT == 4 } {
        outputs[0] = simd.add(m[0], simd.add(m[1], m[2]));
        outputs[1] = simd.add(m[3], simd.sub(m[1], m[2]));
    } else {
        let number = |value: f64| simd.splat(value as f32);
        let [a, b] = [number(POINTS[0]), number(POINTS[1])];
        let [a2, b2] = [number(SQUARES[0]), number(SQUARES[1])];
        let (a3, b3) = (number(POINTS[0] * SQUARES[0]), number(POINTS[1] * SQUARES[1]));
        let (even_a, odd_a) = (simd.add(m[1], m[2]), simd.sub(m[1], m[2]));
        let (even_b, odd_b) = (simd.add(m[3], m[4]), simd.sub(m[3], m[4]));
        outputs[0] = simd.add(simd.add(m[0], even_a), even_b);
        outputs[1] = simd.mul_add(b, odd_b, simd.mul(a, odd_a));
        outputs[2] = simd.mul_add(b2, even_b, simd.mul(a2, even_a));
        outputs[3] = simd.mul_add(b3, odd_b, simd.mul_add(a3, odd_a, m[5]));
    }
    outputs
}
