//! What the system says of memory, where it does.

use std::fs;

/// All memory of this machine, or as much of it as this process may have.
pub fn all() -> Option<usize> {
    let number = |text: &str| text.split_whitespace().find_map(|word| word.parse::<usize>().ok());
    let after = |text: &str, start: &str| text.lines().find_map(|line| number(line.strip_prefix(start)?));
    let information = fs::read_to_string("/proc/meminfo").ok();
    let kibibytes = |start| after(information.as_deref()?, start).map(|kibibytes| kibibytes << 10);
    let all = kibibytes("MemTotal:").map(|memory| memory.saturating_add(kibibytes("SwapTotal:").unwrap_or(0)));
    let limits = fs::read_to_string("/proc/self/limits").ok();
    let space = limits.as_deref().and_then(|limits| {
        let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
        line.split_whitespace().next()?.parse().ok()
    });
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|most| most.trim().parse().ok());
    [all, space, group].into_iter().flatten().min()
}

/// The most that was resident so far.
pub fn peak() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok().map(|kibibytes: usize| kibibytes << 10)
}
