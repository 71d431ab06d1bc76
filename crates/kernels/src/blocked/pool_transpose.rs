//! The transpose of a max-pool over blocks of channels.

use std::sync::atomic::{AtomicU16, Ordering};

use super::argmax::Argmax;
use super::epilogue::Epilogue;
use super::gate::Gate;
use super::grid::{Piece, pieces};
use super::pool::check;
use super::{BLOCK, Layout, View};
use crate::arch::{Kernel, Simd};
use crate::error::{Error, Result, expect_len};
use crate::level::Level;
use crate::parallel;
use crate::shape::Span;

/// Each upstream value goes to where the maximum of its window was. Sums where windows overlap. Last, the gradient goes through
/// `gate`. In its halo are zeros.
///
/// # Errors
/// [`Error`] where the layouts do not have the max-pool's shape or a slice has another length.
pub fn max_pool_transpose_blocked(
    level: Level,
    argmax: &Argmax,
    upstream: View<'_>,
    gate: Option<Gate<'_>>,
    layout: Layout,
    gradient: &mut [f32],
) -> Result<()> {
    expect_len("gradient", gradient.len(), layout.len())?;
    let shape = &argmax.shape;
    check(shape, View { layout, values: gradient }, upstream.layout, upstream.values)?;
    if !argmax.layout.is_shaped_as(&upstream.layout) {
        return Err(Error::Shape("the marks are not of the upstream's shape"));
    }
    Epilogue { gate, ..Epilogue::default() }.check(layout)?;
    let [height, width] = argmax.window;
    let down = over(&shape.rows, layout.size[0], [0, width]);
    let along = over(&shape.columns, layout.size[1], [height * width, 1]);
    let windows = &[down, along];
    parallel::for_each(pieces(&layout, 1, 1, gradient), |mut piece| {
        piece.clear_halo(&layout);
        level.run(Gather { argmax, windows, upstream, gate, layout, piece });
    });
    Ok(())
}

/// A window over a pixel along one axis.
#[derive(Clone, Copy)]
struct Over {
    window: usize,
    /// Where the bits of its tap that reads the pixel are, from those of the first window's first tap on.
    tap: usize,
}

/// For each pixel the windows over it, in their order; the bits of two windows are `stride` apart, those of two taps `step`.
fn over(spans: &[Span], size: usize, [stride, step]: [usize; 2]) -> Vec<Vec<Over>> {
    let mut all = vec![Vec::new(); size];
    for (window, span) in spans.iter().enumerate() {
        for (tap, pixel) in all[span.start..span.end].iter_mut().enumerate() {
            pixel.push(Over { window, tap: window * stride + tap * step });
        }
    }
    all
}

/// What the windows over each pixel send to it.
struct Gather<'a, 'b> {
    argmax: &'a Argmax,
    /// Of rows, and of columns.
    windows: &'a [Vec<Vec<Over>>; 2],
    upstream: View<'a>,
    gate: Option<Gate<'a>>,
    layout: Layout,
    piece: Piece<'b>,
}

impl Kernel for Gather<'_, '_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { argmax, windows: [down, along], upstream: View { layout: above, values }, gate, layout, mut piece } =
            self;
        let mut lines: Vec<(&[[f32; BLOCK]], &[AtomicU16])> = Vec::new();
        for (index, row) in piece.rows.clone().zip(&mut piece.slices) {
            let [n, y] = [index / layout.size[0], index % layout.size[0]];
            for (place, block) in piece.panels.clone().enumerate() {
                lines.clear();
                lines.extend(down[y].iter().map(|over| {
                    let start =
                        above.row_start(n, over.window) + block * above.block_stride() + above.halo.left * BLOCK;
                    let marks = &argmax.line(n, over.window, block)[over.tap..];
                    (values[start..].as_chunks::<BLOCK>().0, marks)
                }));
                let pixels = row[place * layout.block_stride() + layout.halo.left * BLOCK..].as_chunks_mut::<BLOCK>().0;
                let passes = gate.and_then(|gate| gate.slopes).map(|slopes| slopes.line(n, y, block));
                for (x, (along, pixel)) in along.iter().zip(pixels).enumerate() {
                    for lane in (0..BLOCK).step_by(S::LANES) {
                        let mut sum = simd.splat(0.0);
                        for (values, marks) in &lines {
                            for over in along {
                                let bits = marks[over.tap].load(Ordering::Relaxed);
                                sum = simd.add(sum, simd.keep(simd.load(&values[over.window][lane..]), bits >> lane));
                            }
                        }
                        simd.store(sum, &mut pixel[lane..]);
                    }
                    if let Some(gate) = gate {
                        gate.pass(simd, block, passes.map(|passes| &passes[x]), pixel);
                    }
                }
            }
        }
    }
}
