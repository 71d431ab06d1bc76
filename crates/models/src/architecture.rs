//! The registry of architectures.

use gradex_engine::{Graph, nearest};

use crate::architectures::{efficientnet_lite, resnet, vgg};
use crate::error::{Error, Result};
use crate::preprocessing::Preprocessing;

/// A classifier without its parameters.
#[derive(Debug)]
pub struct Architecture {
    /// torchvision's name.
    pub name: &'static str,
    /// How a photograph becomes its input.
    pub preprocessing: Preprocessing,
    build: fn() -> gradex_engine::Result<Graph>,
}

impl Architecture {
    /// The architecture of this name.
    ///
    /// # Errors
    /// [`Error::UnknownArchitecture`] with the nearest names.
    pub fn find(name: &str) -> Result<&'static Self> {
        ARCHITECTURES.iter().find(|architecture| architecture.name == name).ok_or_else(|| Error::UnknownArchitecture {
            name: name.to_owned(),
            nearest: nearest(name, ARCHITECTURES.iter().map(|architecture| architecture.name)),
        })
    }

    /// Its graph.
    ///
    /// # Errors
    /// [`Error::Engine`] where the graph contradicts itself: a defect of the architecture.
    pub fn graph(&self) -> Result<Graph> {
        Ok((self.build)()?)
    }
}

const fn torchvision(name: &'static str, build: fn() -> gradex_engine::Result<Graph>) -> Architecture {
    Architecture { name, preprocessing: Preprocessing::TORCHVISION, build }
}

/// Every architecture, by family.
pub static ARCHITECTURES: [Architecture; 18] = [
    Architecture {
        name: "efficientnet-lite0",
        preprocessing: Preprocessing::EFFICIENTNET_LITE,
        build: efficientnet_lite::lite0,
    },
    torchvision("vgg11", || vgg::plain(&vgg::VGG11)),
    torchvision("vgg13", || vgg::plain(&vgg::VGG13)),
    torchvision("vgg16", || vgg::plain(&vgg::VGG16)),
    torchvision("vgg19", || vgg::plain(&vgg::VGG19)),
    torchvision("vgg11_bn", || vgg::batch_normed(&vgg::VGG11)),
    torchvision("vgg13_bn", || vgg::batch_normed(&vgg::VGG13)),
    torchvision("vgg16_bn", || vgg::batch_normed(&vgg::VGG16)),
    torchvision("vgg19_bn", || vgg::batch_normed(&vgg::VGG19)),
    torchvision("resnet18", || resnet::basic([2, 2, 2, 2])),
    torchvision("resnet34", || resnet::basic([3, 4, 6, 3])),
    torchvision("resnet50", || resnet::bottleneck([3, 4, 6, 3], 1, 64)),
    torchvision("resnet101", || resnet::bottleneck([3, 4, 23, 3], 1, 64)),
    torchvision("resnet152", || resnet::bottleneck([3, 8, 36, 3], 1, 64)),
    torchvision("resnext50_32x4d", || resnet::bottleneck([3, 4, 6, 3], 32, 4)),
    torchvision("resnext101_32x8d", || resnet::bottleneck([3, 4, 23, 3], 32, 8)),
    torchvision("wide_resnet50_2", || resnet::bottleneck([3, 4, 6, 3], 1, 128)),
    torchvision("wide_resnet101_2", || resnet::bottleneck([3, 4, 23, 3], 1, 128)),
];
