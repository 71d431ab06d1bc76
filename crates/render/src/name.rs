use std::fmt::Display;

use crate::error::{Error, Result};

/// The value that is displayed as `name`, or an error with the names there are.
pub(crate) fn find<T: Copy + Display>(what: &'static str, all: &[T], name: &str) -> Result<T> {
    let names: Vec<String> = all.iter().map(T::to_string).collect();
    let position = names.iter().position(|known| known.eq_ignore_ascii_case(name));
    position.map(|i| all[i]).ok_or_else(|| Error::UnknownName { what, name: name.to_owned(), known: names.join(", ") })
}
