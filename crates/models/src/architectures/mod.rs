//! One family a file.

pub(crate) mod efficientnet_lite;
pub(crate) mod resnet;
pub(crate) mod vgg;
