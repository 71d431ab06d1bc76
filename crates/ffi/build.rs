//! Gives the shared library its name for the dynamic linker.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)]

fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libgradex.so.0");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
