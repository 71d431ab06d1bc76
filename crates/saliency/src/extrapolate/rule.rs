//! The rule as data: every mode of extrapolation is a value of one struct, and so is whatever lies between them.

use super::words::Word;

/// How a coarse map is carried to the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extrapolation {
    /// Over which tensors.
    pub tensors: Tensors,
    /// Which of them are left out by their size.
    pub skip: Skip,
    /// What becomes of a tensor's channel sums before they multiply the map.
    pub scale: Scale,
    /// To which power they are raised then, above zero: magnitudes are, and signs stay.
    pub power: f64,
    /// Which part of a map of one channel is carried.
    pub evidence: Evidence,
    /// What is done to the map at last.
    pub finish: Finish,
}

/// Which tensors a map is extrapolated over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tensors {
    /// None.
    None,
    /// The first non-negative tensor after each downsampling on the way to the point, and the last before the first.
    First,
    /// The last non-negative tensor of each resolution on the way to the point.
    Last,
    /// Every non-negative tensor on the way to the point.
    Every,
    /// Of [`Tensors::First`] the one closest to the input alone.
    Finest,
    /// Of [`Tensors::First`] the one closest to the point alone.
    Coarsest,
    /// The input of the first max-pool or strided convolution, and the output of each of them, of whatever sign.
    Strided,
}

/// Which tensors are left out by their size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// Those of no more pixels than the map.
    NotLarger,
    /// Those of fewer pixels than the map.
    Smaller,
    /// None.
    Never,
}

/// What becomes of the sums over channels `e` of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// `e / max |e|`.
    Max,
    /// The same, with the sign of the largest value of the tensor itself.
    Tensor,
    /// `(e - min e) / (max e - min e)`; 1 where `e` is the same everywhere.
    MinMax,
    /// The rank of `e` among the pixels, in `(0, 1)`.
    Rank,
    /// `e / (|e| + mean |e|)`: large values gain little more than middling ones.
    Saturating,
}

/// Which part of a map is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The positive part.
    Positive,
    /// All of it.
    Signed,
}

/// What is done to the map at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It is stretched to `[0, 1]`.
    Stretch,
    /// `(h - mean) / std` is clipped to `[-1, 1]`, then stretched.
    Score,
}

impl Extrapolation {
    /// The first non-negative tensor after each downsampling that is larger than the map, and the last before the first.
    pub const ACTIVATED: Self = Self {
        tensors: Tensors::First,
        skip: Skip::NotLarger,
        scale: Scale::Max,
        power: 1.0,
        evidence: Evidence::Positive,
        finish: Finish::Stretch,
    };
    /// The paper's code to the letter: the input of the first max-pool or strided convolution, and the output of each of
    /// them, of whatever sign.
    pub const PUBLISHED: Self = Self {
        tensors: Tensors::Strided,
        skip: Skip::Never,
        scale: Scale::Tensor,
        power: 1.0,
        evidence: Evidence::Signed,
        finish: Finish::Score,
    };
    /// None: the map is resized and stretched to `[0, 1]`, without clipping.
    pub const NONE: Self = Self { tensors: Tensors::None, ..Self::ACTIVATED };
    /// Every mode that has a name.
    pub const ALL: [Self; 3] = [Self::ACTIVATED, Self::PUBLISHED, Self::NONE];
}

impl Default for Extrapolation {
    fn default() -> Self {
        Self::ACTIVATED
    }
}

impl Word for Tensors {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("first", Self::First),
        ("last", Self::Last),
        ("every", Self::Every),
        ("finest", Self::Finest),
        ("coarsest", Self::Coarsest),
        ("strided", Self::Strided),
    ];
}

impl Word for Skip {
    const WORDS: &'static [(&'static str, Self)] =
        &[("not-larger", Self::NotLarger), ("smaller", Self::Smaller), ("never", Self::Never)];
}

impl Word for Scale {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("max", Self::Max),
        ("tensor", Self::Tensor),
        ("min-max", Self::MinMax),
        ("rank", Self::Rank),
        ("saturating", Self::Saturating),
    ];
}

impl Word for Evidence {
    const WORDS: &'static [(&'static str, Self)] = &[("positive", Self::Positive), ("signed", Self::Signed)];
}

impl Word for Finish {
    const WORDS: &'static [(&'static str, Self)] = &[("stretch", Self::Stretch), ("score", Self::Score)];
}
