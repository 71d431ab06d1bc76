//! Which instructions the kernels use: chosen once, at run time.

use std::fmt;
use std::sync::OnceLock;

#[cfg(all(feature = "simd", target_arch = "aarch64"))]
use crate::arch::neon::Neon;
#[cfg(not(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128")))]
use crate::arch::portable::Portable;
#[cfg(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128"))]
use crate::arch::simd128::Simd128;
use crate::arch::{Kernel, Simd};
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
use crate::arch::{avx2::Avx2, avx512::Avx512};
use crate::blocked::BLOCK;
use crate::error::{Error, Result};

/// Whether any level of this program reads halves: what only they need is not compiled for others.
pub(crate) const HALVES: bool = cfg!(all(feature = "simd", target_arch = "x86_64"));
/// The environment variable that forces a level.
const VARIABLE: &str = "GRADEX_LEVEL";

/// A set of instructions that this machine has: there is no other way to come by one than [`Level::available`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[cfg(all(feature = "simd", target_arch = "x86_64"))]
    Avx512(Avx512),
    #[cfg(all(feature = "simd", target_arch = "x86_64"))]
    Avx2(Avx2),
    #[cfg(all(feature = "simd", target_arch = "aarch64"))]
    Neon(Neon),
    #[cfg(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128"))]
    Simd128(Simd128),
    #[cfg(not(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128")))]
    Portable(Portable),
}

impl Level {
    /// Plain Rust, without a line of unsafe code. WebAssembly with simd128 has no need of it: such a module loads nowhere else.
    #[cfg(not(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128")))]
    pub const PORTABLE: Self = Self(Kind::Portable(Portable));

    /// The slowest level, which every machine has that runs this build.
    #[cfg(not(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128")))]
    const LAST: Self = Self::PORTABLE;
    #[cfg(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128"))]
    const LAST: Self = Self(Kind::Simd128(Simd128::COMPILED));

    /// The levels of this machine, fastest first; the last needs nothing that could be missing.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let levels: [Option<Kind>; _] = [
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Avx512::detect().map(Kind::Avx512),
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Avx2::detect().map(Kind::Avx2),
            #[cfg(all(feature = "simd", target_arch = "aarch64"))]
            Neon::detect().map(Kind::Neon),
        ];
        levels.into_iter().flatten().map(Self).chain([Self::LAST]).collect()
    }

    /// The level that every kernel uses: the one that `GRADEX_LEVEL` names, else the fastest. Chosen at the first call.
    ///
    /// # Errors
    /// [`Error::Level`] where `GRADEX_LEVEL` names none of this machine's levels.
    pub fn current() -> Result<Self> {
        static CURRENT: OnceLock<Result<Level>> = OnceLock::new();
        let choose = || match std::env::var_os(VARIABLE) {
            Some(name) if !name.is_empty() => Self::named(&name.to_string_lossy()),
            _ => Ok(Self::available().first().copied().unwrap_or(Self::LAST)),
        };
        CURRENT.get_or_init(choose).clone()
    }

    /// The level of this name: `avx512`, `avx2`, `neon`, `simd128` or `portable`.
    ///
    /// # Errors
    /// [`Error::Level`] where this machine, or this build, does not have it.
    pub fn named(name: &str) -> Result<Self> {
        let available = Self::available();
        let found = available.iter().find(|level| level.name() == name).copied();
        let names = || available.iter().map(|level| level.name()).collect();
        found.ok_or_else(|| Error::Level { name: name.to_owned(), available: names() })
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Kind::Avx512(_) => "avx512",
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Kind::Avx2(_) => "avx2",
            #[cfg(all(feature = "simd", target_arch = "aarch64"))]
            Kind::Neon(_) => "neon",
            #[cfg(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128"))]
            Kind::Simd128(_) => "simd128",
            #[cfg(not(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128")))]
            Kind::Portable(_) => "portable",
        }
    }

    /// Blocks of [`BLOCK`] output channels that a register tile covers.
    pub(crate) fn blocks(self) -> usize {
        let [lanes, vectors] = self.tile();
        vectors * lanes / BLOCK
    }

    /// Whether it reads halves as fast as numbers: vectors of 4 have no instruction that widens them.
    #[must_use]
    pub fn reads_halves(self) -> bool {
        HALVES && self.lanes() > 4
    }

    /// Numbers in a vector.
    pub(crate) fn lanes(self) -> usize {
        let [lanes, ..] = self.tile();
        lanes
    }

    /// Numbers in a vector, and vectors of output channels in a register tile.
    fn tile(self) -> [usize; 2] {
        fn of<S: Simd>(_: S) -> [usize; 2] {
            [S::LANES, S::VECTORS]
        }
        match self.0 {
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Kind::Avx512(token) => of(token),
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Kind::Avx2(token) => of(token),
            #[cfg(all(feature = "simd", target_arch = "aarch64"))]
            Kind::Neon(token) => of(token),
            #[cfg(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128"))]
            Kind::Simd128(token) => of(token),
            #[cfg(not(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128")))]
            Kind::Portable(token) => of(token),
        }
    }

    /// Runs a kernel compiled for this level.
    pub(crate) fn run(self, kernel: impl Kernel) {
        match self.0 {
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Kind::Avx512(token) => token.enter(kernel),
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Kind::Avx2(token) => token.enter(kernel),
            #[cfg(all(feature = "simd", target_arch = "aarch64"))]
            Kind::Neon(token) => token.enter(kernel),
            #[cfg(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128"))]
            Kind::Simd128(token) => token.enter(kernel),
            #[cfg(not(all(feature = "simd", target_arch = "wasm32", target_feature = "simd128")))]
            Kind::Portable(token) => token.enter(kernel),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
