//! How many bytes the process has in use, by its own allocator's count.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes allocated and not given back.
pub(crate) fn in_use() -> usize {
    let stats = ALLOCATOR.stats();
    stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted() {
        const MANY: usize = 64 << 20;
        let before = in_use();
        let held = vec![1_u8; MANY];
        let with = in_use();
        drop(held);
        // Other tests allocate too, but not that much.
        assert!(with > before + MANY / 2, "{before} {with}");
        assert!(in_use() + MANY / 2 < with);
    }
}
