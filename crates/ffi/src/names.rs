//! What there is, by name.

use std::ffi::{CStr, c_char};

use gradex::methods::{self, Settings};
use gradex::{ARCHITECTURES, ColourMap, Extrapolation, imagenet_labels};

use crate::border::put_text;
use crate::status::{Failure, GradexStatus, guarded};

/// A list of names.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradexList {
    /// The labels of the 1000 classes of ImageNet, in the order of the logits.
    Labels = 0,
    /// The methods.
    Methods = 1,
    /// The modes of extrapolation.
    Extrapolations = 2,
    /// The architectures.
    Architectures = 3,
    /// The colour maps.
    ColourMaps = 4,
}

/// The version of the library. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn gradex_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };
    VERSION.as_ptr()
}

/// The name at `index`, from 0, of `list` (a `GradexList`), ended by a zero byte; `length` becomes the bytes that it
/// takes, the zero byte included. Beyond the last one it is `GRADEX_STATUS_REFUSED`.
///
/// # Safety
/// `buffer` leads to `capacity` bytes that may be written (or is null where `capacity` is 0), `length` to a number that
/// may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradex_name(
    list: u32,
    index: usize,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> GradexStatus {
    guarded(|| {
        let Some(name) = name(list, index) else {
            return Err(Failure::new(GradexStatus::Refused, format!("list {list} has no name {index}")));
        };
        // SAFETY: the caller's promise.
        unsafe { put_text(&name, buffer, capacity, length) }
    })
}

fn name(list: u32, index: usize) -> Option<String> {
    // A caller may send any number.
    match LISTS.into_iter().find(|known| *known as u32 == list)? {
        GradexList::Labels => imagenet_labels().nth(index).map(str::to_owned),
        GradexList::Methods => {
            methods::all(&Settings::default()).get(index).map(|method| method.about().name.to_owned())
        }
        GradexList::Extrapolations => Extrapolation::ALL.get(index).map(ToString::to_string),
        GradexList::Architectures => ARCHITECTURES.get(index).map(|architecture| architecture.name.to_owned()),
        GradexList::ColourMaps => ColourMap::ALL.get(index).map(ToString::to_string),
    }
}

const LISTS: [GradexList; 5] = [
    GradexList::Labels,
    GradexList::Methods,
    GradexList::Extrapolations,
    GradexList::Architectures,
    GradexList::ColourMaps,
];
