//! How much memory is in use.
//!
//! Counts what the program has asked for and not given back, which is exact; what the system has
//! given it is told besides, and decides nothing, since allocators keep what they once had. Knows
//! nothing of what is stored.

use stats_alloc::{INSTRUMENTED_SYSTEM, Stats};

/// What is in use at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InUse {
    pub(crate) bytes: usize,
    pub(crate) blocks: usize,
    /// Resident, where the system tells.
    pub(crate) resident: Option<usize>,
}

/// `None` when the program does not run on the counting allocator.
pub(crate) fn in_use() -> Option<InUse> {
    let Stats {
        allocations,
        deallocations,
        bytes_allocated,
        bytes_deallocated,
        ..
    } = INSTRUMENTED_SYSTEM.stats();
    (allocations > 0).then(|| InUse {
        bytes: bytes_allocated.saturating_sub(bytes_deallocated),
        blocks: allocations.saturating_sub(deallocations),
        resident: resident(),
    })
}

fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}
