//! Runs one kernel a number of times: for programs that count instructions.
//!
//!     cargo run --release --no-default-features --features simd --example kernel -- winograd 3
//!
//! Without arguments, prints the kernels' names.

use std::error::Error;
use std::io::Write;

use gradex_kernels::blocked::{
    Activation, Algorithm, Argmax, Buffer, Direction, Epilogue, Gate, Layout, Norm, PackedConv, Slopes, View,
    Workspace, average_pool_blocked, average_pool_transpose_blocked, channel_sums, gate, map, max_pool_blocked,
    max_pool_transpose_blocked,
};
use gradex_kernels::{ConvShape, Level, Padding, PoolShape, Span, Window, linear, linear_transpose, resize_bilinear};

type Outcome = Result<(), Box<dyn Error>>;
type Kernel = fn(Level, usize) -> Outcome;

const KERNELS: [(&str, Kernel); 18] = [
    ("direct-1x1", |level, rounds| conv(level, rounds, CHANNELS, Algorithm::Direct, Direction::Forward, [1, 1])),
    ("direct-3x3", |level, rounds| conv(level, rounds, CHANNELS, Algorithm::Direct, Direction::Forward, [3, 1])),
    ("direct-3x3-stride-2", |level, rounds| {
        conv(level, rounds, CHANNELS, Algorithm::Direct, Direction::Forward, [3, 2])
    }),
    ("direct-3x3-transposed", |level, rounds| {
        conv(level, rounds, CHANNELS, Algorithm::Direct, Direction::Transposed, [3, 2])
    }),
    ("narrow", |level, rounds| conv(level, rounds, 3, Algorithm::Direct, Direction::Transposed, [3, 1])),
    ("winograd", |level, rounds| conv(level, rounds, CHANNELS, Algorithm::Winograd, Direction::Forward, [3, 1])),
    ("winograd-2x2", |level, rounds| conv(level, rounds, CHANNELS, Algorithm::Winograd2x2, Direction::Forward, [3, 1])),
    ("depthwise", |level, rounds| conv(level, rounds, CHANNELS, Algorithm::Depthwise, Direction::Forward, [3, 1])),
    ("max-pool", |level, rounds| {
        over_images(rounds, |from, to, output| Ok(max_pool_blocked(level, &pool(), from, None, to, output)?))
    }),
    ("average-pool", |level, rounds| {
        over_images(rounds, |from, to, output| Ok(average_pool_blocked(level, &pool(), from, to, output)?))
    }),
    ("max-pool-marked", |level, rounds| {
        over_images(rounds, |from, to, output| {
            Ok(max_pool_blocked(level, &pool(), from, Some(&Argmax::new(pool(), to)), to, output)?)
        })
    }),
    ("max-pool-transposed", |level, rounds| {
        let (upstream, layout) = (vec![1.0; image(SIZE / 2).len()], image(SIZE / 2));
        let argmax = Argmax::new(pool(), layout);
        over_images(rounds, |from, _, _| {
            let (upstream, mut gradient) = (View { layout, values: &upstream }, Buffer::zeros(from.values.len()));
            Ok(max_pool_transpose_blocked(level, &argmax, upstream, None, from.layout, &mut gradient)?)
        })
    }),
    ("average-pool-transposed", |level, rounds| {
        let (upstream, layout) = (vec![1.0; image(SIZE / 2).len()], image(SIZE / 2));
        over_images(rounds, |from, _, _| {
            let (upstream, mut gradient) = (View { layout, values: &upstream }, Buffer::zeros(from.values.len()));
            Ok(average_pool_transpose_blocked(level, &pool(), upstream, None, from.layout, &mut gradient)?)
        })
    }),
    ("epilogue", |level, rounds| {
        let [scale, shift] = [[0.5; CHANNELS], [0.1; CHANNELS]];
        let norm = Some(Norm { scale: &scale, shift: &shift });
        let epilogue = Epilogue { norm, activation: Activation::Relu, ..Epilogue::default() };
        over_images(rounds, |from, _, _| {
            Ok(map(level, from, &epilogue, from.layout, &mut Buffer::zeros(from.values.len()))?)
        })
    }),
    ("gate", |level, rounds| {
        over_images(rounds, |from, _, _| {
            let slopes = Slopes::of(level, Activation::Relu, from)?;
            let shut = Gate { slopes: Some(&slopes), scale: None };
            Ok(gate(level, &shut, from.layout, &mut Buffer::zeros(from.values.len()))?)
        })
    }),
    ("channel-sums", |level, rounds| {
        over_images(rounds, |from, _, _| Ok(channel_sums(level, from, &mut [0.0; SIZE * SIZE], &mut [0.0])?))
    }),
    ("linear", |_, rounds| {
        let (weight, input, mut output) = (numbers(500 * 500), numbers(500), [0.0; 500]);
        (0..rounds).try_for_each(|_| {
            linear([1, 500, 500], &input, weight[..].into(), None, &mut output)?;
            Ok(linear_transpose([1, 500, 500], &output, weight[..].into(), &mut input.clone())?)
        })
    }),
    ("resize", |_, rounds| {
        let image = numbers(SIZE * SIZE);
        (0..rounds).try_for_each(|_| {
            Ok(resize_bilinear([SIZE, SIZE], &image, [3 * SIZE, 3 * SIZE], &mut [0.0; 9 * SIZE * SIZE])?)
        })
    }),
];

const CHANNELS: usize = 64;
const SIZE: usize = 28;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(rounds)) = (arguments.next(), arguments.next()) else {
        let names: String = KERNELS.iter().map(|(name, _)| format!("{name}\n")).collect();
        std::io::stdout().write_all(names.as_bytes())?;
        return Ok(());
    };
    let (_, kernel) = KERNELS.iter().find(|(known, _)| *known == name).ok_or("no such kernel")?;
    kernel(Level::current()?, rounds.parse()?)
}

fn conv(
    level: Level,
    rounds: usize,
    in_channels: usize,
    algorithm: Algorithm,
    direction: Direction,
    [kernel, stride]: [usize; 2],
) -> Outcome {
    let padding = Padding::symmetric(kernel / 2, kernel / 2);
    let window = Window { kernel: [kernel; 2], stride: [stride; 2], dilation: [1; 2], padding };
    let groups = if algorithm == Algorithm::Depthwise { CHANNELS } else { 1 };
    let shape = ConvShape {
        batch: 1,
        in_channels,
        out_channels: CHANNELS,
        groups,
        input: [SIZE; 2],
        output: [SIZE / stride; 2],
        window,
    };
    let weight = numbers(in_channels * CHANNELS / groups * kernel * kernel);
    let packed = PackedConv::new(level, algorithm, &shape, direction, (&weight[..]).into(), None)?;
    let (input, output) = (Layout { channels: in_channels, ..image(SIZE) }, image(SIZE / stride));
    let (from, to) = match direction {
        Direction::Forward => (input, output),
        Direction::Transposed => (output, input),
    };
    let from = Layout { halo: packed.halo(from.size, to.size), ..from };
    let (values, mut output) = (Buffer::zeros(from.len()), Buffer::zeros(to.len()));
    let (input, workspace) = (View { layout: from, values: &values }, Workspace::new());
    (0..rounds).try_for_each(|_| Ok(packed.run(input, &Epilogue::default(), &workspace, to, &mut output)?))
}

fn over_images(rounds: usize, mut run: impl FnMut(View<'_>, Layout, &mut [f32]) -> Outcome) -> Outcome {
    let (from, to) = (image(SIZE), image(SIZE / 2));
    let (values, mut output) = (numbers(from.len()), Buffer::zeros(to.len()));
    (0..rounds).try_for_each(|_| run(View { layout: from, values: &values }, to, &mut output))
}

fn image(side: usize) -> Layout {
    Layout { batch: 1, channels: CHANNELS, size: [side; 2], halo: Padding::default() }
}

fn pool() -> PoolShape {
    let spans: Vec<Span> = (0..SIZE / 2).map(|at| Span { start: 2 * at, end: 2 * at + 2, divisor: 2 }).collect();
    PoolShape { planes: CHANNELS, input: [SIZE; 2], rows: spans.clone(), columns: spans }
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|index| (index * 37 % 101) as f32 / 50.0 - 1.0).collect()
}
