//! Attribution methods: each gives a [`CoarseMap`](crate::CoarseMap) for every image of a tape.

mod grad_cam;

use std::fmt;
use std::str::FromStr;

pub use grad_cam::grad_cam;

use crate::error::Error;

/// An attribution method by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Method {
    /// Grad-CAM (R. Selvaraju et al., ICCV 2017).
    #[default]
    GradCam,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 1] = [Self::GradCam];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GradCam => "grad-cam",
        }
    }

    /// What it does and what it costs, in one line.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::GradCam => "channels weighted by their mean gradient; 1 forward, 1 backward a class (Selvaraju 2017)",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or_else(|| Error::UnknownName {
            kind: "method",
            name: name.to_owned(),
            known: Self::ALL.map(Self::name).to_vec(),
        })
    }
}
