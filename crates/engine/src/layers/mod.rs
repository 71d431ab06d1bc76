//! The layers, one a file: formulas, forward, backward.

mod adaptive_avg_pool2d;
mod add;
mod avg_pool2d;
mod batch_norm2d;
mod concat;
mod conv2d;
mod dropout;
mod flatten;
mod input;
mod linear;
mod max_pool2d;
mod relu;
mod relu6;
mod softmax;
mod spans;

pub use adaptive_avg_pool2d::AdaptiveAvgPool2d;
pub use add::Add;
pub use avg_pool2d::AvgPool2d;
pub use batch_norm2d::BatchNorm2d;
pub use concat::Concat;
pub use conv2d::{Conv2d, ConvPadding};
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use input::Input;
pub use linear::Linear;
pub use max_pool2d::MaxPool2d;
pub use relu::Relu;
pub use relu6::Relu6;
pub use softmax::Softmax;
