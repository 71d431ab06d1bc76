//! Words from outside, such as names of files, as a terminal may show them.

use std::path::Path;

/// The text with control characters escaped: no name moves the cursor or begins a line of its own.
pub fn visible(text: &str) -> String {
    let is_control = |character: char| character.is_control() || ('\u{2028}'..='\u{202e}').contains(&character);
    let escape = |character: char| match is_control(character) {
        true => character.escape_default().collect(),
        false => String::from(character),
    };
    text.chars().map(escape).collect()
}

/// The path as it is reported: where it is no Unicode its bytes, so that two paths are never told alike.
pub fn path(path: &Path) -> String {
    let bytes = || path.as_os_str().as_encoded_bytes().escape_ascii().to_string();
    path.to_str().map_or_else(bytes, str::to_owned)
}

/// `eprintln!` of one line, with control characters escaped, that does not mind when nobody reads.
macro_rules! complain {
    ($($words:tt)*) => {{
        let line = crate::visible::visible(&format!($($words)*));
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{line}\n"));
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_nothing_else() {
        assert_eq!(visible("a\n\u{1b}[2JPASS\u{202e}"), "a\\n\\u{1b}[2JPASS\\u{202e}");
        assert_eq!(visible("żółw 'x' \"y\" \\"), "żółw 'x' \"y\" \\");
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_unicode_are_told_apart() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let told = |bytes: &[u8]| path(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!([told(b"x\xff.png"), told(b"x\xfe.png")], ["x\\xff.png", "x\\xfe.png"]);
    }
}
