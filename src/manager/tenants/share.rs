//! How many instances a tenant may have, by how many tenants there are. Arithmetic only.

use nebula_resource_core::PoolConfig;

/// What a template's configuration allows each tenant.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The most instances.
    pub(crate) each: usize,
    /// So many are kept idle.
    pub(crate) min_idle: usize,
}

impl Limits {
    pub(super) const fn of(pool: &PoolConfig) -> Self {
        Self {
            each: pool.max_size,
            min_idle: pool.min_idle,
        }
    }
}

/// `together`, divided among `tenants` that may have `each` at most; never nothing.
pub(super) const fn share(together: usize, each: usize, tenants: usize) -> usize {
    let fair = match together.checked_div(tenants) {
        Some(fair) => fair,
        None => together,
    };
    if fair > each {
        each
    } else if fair == 0 {
        1
    } else {
        fair
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_total_is_divided() {
        let shares = [1, 2, 3, 5, 10, 11].map(|tenants| share(10, 5, tenants));
        assert_eq!(shares, [5, 5, 3, 2, 1, 1]);
        assert_eq!(share(10, 5, 0), 5);
    }

    proptest! {
        #[test]
        fn shares_fit_into_the_total_as_long_as_that_is_possible(
            together in 1_usize..10_000, each in 1_usize..100, tenants in 1_usize..10_000,
        ) {
            let one = share(together, each, tenants);
            prop_assert!((1..=each).contains(&one));
            prop_assert!(one * tenants <= together || one == 1);
            prop_assert!(share(together, each, tenants + 1) <= one, "more tenants never mean more");
        }
    }
}
