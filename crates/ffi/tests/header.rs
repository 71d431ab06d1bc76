//! `include/gradex.h` is what cbindgen makes of the sources. After a change of the interface:
//! `GRADEX_WRITE_HEADER=1 cargo test -p gradex-ffi --test header`.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

#[test]
fn the_header_is_current() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml")).unwrap();
    // The modules that it names are followed.
    let builder = cbindgen::Builder::new().with_config(config).with_src(package.join("src/lib.rs"));
    let mut generated = Vec::new();
    builder.generate().unwrap().write(&mut generated);
    let generated = String::from_utf8(generated).unwrap();

    let path = package.join("include/gradex.h");
    if std::env::var_os("GRADEX_WRITE_HEADER").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    for function in ["gradex_view_explain(", "gradex_error(", "gradex_explanation_fine("] {
        assert_eq!(generated.matches(function).count(), 1, "{function}");
    }
    assert!(fs::read_to_string(&path).unwrap() == generated, "gradex.h is not current: see the top of this test");
}
