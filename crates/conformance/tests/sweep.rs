//! Every rule on convolutions and pools of random geometry.
#![allow(clippy::expect_used)]

use gradex_conformance::{Case, Report, check_on, known, layers};
use gradex_engine::layers::{AdaptiveAvgPool2d, AvgPool2d, Conv2d, ConvPadding, MaxPool2d};
use gradex_engine::{Layer, Op, Padding, Params, Tensor, Weight};
use gradex_models::uniform;

/// Random choices, the same in every run.
struct Dice(Box<dyn Iterator<Item = f32>>);

impl Dice {
    /// One of `from ..= to`.
    fn roll(&mut self, from: usize, to: usize) -> usize {
        let unit = (self.0.next().expect("a stream") + 1.0) / 2.0;
        from + ((to - from + 1) as f32 * unit) as usize
    }

    fn pair(&mut self, from: usize, to: usize) -> [usize; 2] {
        [self.roll(from, to), self.roll(from, to)]
    }

    fn tensor(&mut self, shape: &[usize]) -> Tensor {
        Tensor::from_shape_simple_fn(shape, || self.0.next().expect("a stream"))
    }

    fn conv(&mut self) -> (Op, Vec<usize>) {
        let groups = self.roll(1, 3);
        let (inner, outer) = (self.roll(1, 2), self.roll(1, 3));
        let padding =
            Padding { top: self.roll(0, 3), bottom: self.roll(0, 3), left: self.roll(0, 3), right: self.roll(0, 3) };
        let same = self.roll(0, 3) == 0;
        let conv = Conv2d {
            in_channels: groups * inner,
            out_channels: groups * outer,
            kernel: self.pair(1, 4),
            stride: self.pair(1, 3),
            padding: if same { ConvPadding::Same } else { ConvPadding::Fixed(padding) },
            dilation: self.pair(1, 3),
            groups,
            bias: self.roll(0, 1) == 0,
        };
        let [height, width] = self.pair(1, 7);
        (conv.into(), vec![self.roll(1, 2), groups * inner, height, width])
    }

    fn pool(&mut self) -> (Op, Vec<usize>) {
        let (kernel, stride) = (self.pair(1, 4), self.pair(1, 4));
        let padding = kernel.map(|size| self.roll(0, size - 1));
        let (ceil_mode, count_include_pad) = (self.roll(0, 1) == 0, self.roll(0, 1) == 0);
        let op = match self.roll(0, 2) {
            0 => AvgPool2d { kernel, stride, padding, ceil_mode, count_include_pad }.into(),
            1 => MaxPool2d { kernel, stride, padding, ceil_mode }.into(),
            _ => AdaptiveAvgPool2d { output: kernel }.into(),
        };
        let [height, width] = self.pair(1, 7);
        (op, vec![self.roll(1, 2), self.roll(1, 2), height, width])
    }
}

/// So many cases of layers whose windows fit the image.
fn cases(count: usize) -> Vec<Case> {
    let mut dice = Dice(Box::new(uniform(8, "sweep")));
    let mut cases = Vec::new();
    while cases.len() < count {
        let (op, shape) = if cases.len() % 2 == 0 { dice.conv() } else { dice.pool() };
        if op.output_shape(&[&shape]).is_err() {
            continue;
        }
        let mut tensors = op.parameters().into_iter().map(|(_, shape)| dice.tensor(&shape)).collect::<Vec<_>>();
        let bias = (tensors.len() > 1).then(|| tensors.remove(1));
        let params = Params { weight: tensors.pop().map(Weight::from), bias };
        let case = Case::new(format!("{op:?} on {shape:?}"), op, params, vec![dice.tensor(&shape)]);
        cases.push(case.expect("a layer that fits"));
    }
    cases
}

#[test]
fn no_geometry_breaks_a_rule() {
    let cases = cases(120);
    let rules = known().into_iter().map(|(rule, expectations)| check_on(&*rule, &expectations, &cases));
    let reports: Vec<Report> = rules.collect::<Result<_, _>>().expect("networks");
    for report in reports.iter().chain([&layers(&cases)]) {
        assert!(report.passes(), "{report}");
    }
}
