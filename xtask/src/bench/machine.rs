//! What the figures were measured on.

use std::fs::read_to_string;
use std::process::Command;

/// A Markdown list: processor, cores, load, compiler and build.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    let build = if cfg!(debug_assertions) { "unoptimised: these figures mean nothing" } else { "release" };
    format!(
        "- processor: {}, {cores} cores, {} {}\n- load average when the bench began: {}\n- gradex {}, {}, build: {build}\n",
        processor(&read_to_string("/proc/cpuinfo").unwrap_or_default()),
        std::env::consts::OS,
        std::env::consts::ARCH,
        read_to_string("/proc/loadavg").ok().as_deref().and_then(first_word).unwrap_or("unknown"),
        env!("CARGO_PKG_VERSION"),
        compiler().as_deref().unwrap_or("unknown compiler"),
    )
}

/// The model name and the vector extensions that matter here, as Linux lists them.
fn processor(cpuinfo: &str) -> String {
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
    };
    let flags: Vec<&str> = field("flags").unwrap_or_default().split(' ').collect();
    let extensions: Vec<&str> = ["avx2", "fma", "avx512f"].into_iter().filter(|name| flags.contains(name)).collect();
    let model = field("model name").unwrap_or("unknown");
    if extensions.is_empty() { model.to_owned() } else { format!("{model} ({})", extensions.join(", ")) }
}

fn first_word(text: &str) -> Option<&str> {
    text.split_whitespace().next()
}

fn compiler() -> Option<String> {
    let output = Command::new("rustc").arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    Some(version.trim().to_owned()).filter(|version| !version.is_empty())
}

#[cfg(test)]
mod tests {
    use super::processor;

    #[test]
    fn the_processor_is_read_from_linux() {
        let cpuinfo =
            "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz: fast\nflags\t\t: sse2 avx avx2 fma\n\nprocessor\t: 1\n";
        assert_eq!(processor(cpuinfo), "Some CPU @ 2 GHz: fast (avx2, fma)");
        assert_eq!(processor("Processor : ARM\n"), "unknown");
    }
}
