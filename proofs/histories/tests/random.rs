//! What a pool surely can do is accepted, whatever overlaps; what was made wrong never is.

mod common;

use std::collections::BTreeMap;

use common::{Plan, history};
use nebula_resource_histories::mutants::{Mutation, mutants};
use nebula_resource_histories::{Fault, Spec, check, shrunk};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

fn spec(plan: &Plan) -> Spec {
    Spec {
        creates_at_once: 2,
        ..Spec::new(plan.limit)
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        cases: 300,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_happened_one_by_one_is_accepted_stretched(
        seed in any::<u64>(),
        actors in 2_usize..7,
        calls in 5_usize..100,
        limit in 1_usize..5,
        owners in any::<bool>(),
    ) {
        let plan = Plan { seed, actors, calls, limit, owners };
        let history = history(plan);
        let verdict = check(&history, &spec(&plan));
        prop_assert!(verdict.is_ok(), "{plan:?}\n{history}\n{:?}", verdict.err());
    }
}

/// Every mutant of every kind, of many histories.
#[test]
fn every_mutant_is_rejected() {
    let mut made = BTreeMap::new();
    for seed in 0..24 {
        let plan = Plan {
            seed,
            actors: 2 + seed as usize % 4,
            calls: 30,
            limit: 1 + seed as usize % 3,
            owners: seed % 2 == 0,
        };
        let (good, spec) = (history(plan), spec(&plan));
        for mutation in Mutation::ALL {
            for mutant in mutants(&good, &spec, mutation) {
                *made.entry(mutation).or_insert(0) += 1;
                let verdict = check(&mutant, &spec);
                assert!(
                    matches!(verdict, Err(Fault::NotLinearizable { .. })),
                    "{mutation:?} of {plan:?}: {verdict:?}\n{mutant}",
                );
            }
        }
    }
    println!("{made:#?}");
    for mutation in Mutation::ALL {
        let count = made.get(&mutation).copied().unwrap_or(0);
        assert!(count >= 10, "{mutation:?}: {count} mutants only");
    }
}

/// What is left of a mutant is small, and as wrong as before.
#[test]
fn mutants_shrink() {
    for seed in 0..10 {
        let plan = Plan {
            seed,
            actors: 4,
            calls: 40,
            limit: 2,
            owners: false,
        };
        let (good, spec) = (history(plan), spec(&plan));
        for mutant in mutants(&good, &spec, Mutation::HeldTwice) {
            let core = shrunk(&mutant, &spec);
            assert!(check(&core, &spec).is_err());
            assert!(core.len() < mutant.len(), "\n{core}");
        }
    }
}
