//! The rows of the fault matrix that a pool's API can express without a real server, each written
//! once for all contenders. What is asked and what passes is said at each function.
//!
//! Decides their order and their names.

mod callbacks;
mod cancel;
mod control;
mod fairness;
mod guards;
mod load;
pub(crate) mod outage;
mod stale;
mod upkeep;

use std::pin::Pin;

use crate::verdict::{Judgement, Verdict};
use crate::world::World;

/// A row, or the part of one that asks one thing.
pub(crate) struct Row {
    /// The matrix's number, and a letter where there are several parts.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) run: fn(World) -> Pin<Box<dyn Future<Output = Verdict>>>,
}

macro_rules! rows {
    ($($id:literal $title:literal $module:ident::$function:ident;)+) => {
        &[$(Row {
            id: $id,
            title: $title,
            run: |w| Box::pin($module::$function(w)),
        }),+]
    };
}

/// All of them, in order.
pub(crate) const ALL: &[Row] = rows! {
    "1" "create panics" callbacks::create_panics;
    "2" "create hangs" callbacks::create_hangs;
    "3a" "validate hangs" callbacks::validate_hangs;
    "3b" "validate panics" callbacks::validate_panics;
    "3c" "validate refuses once" callbacks::validate_lies;
    "4a" "recycle hangs" callbacks::recycle_hangs;
    "4b" "recycle panics" callbacks::recycle_panics;
    "4c" "recycle fails" callbacks::recycle_fails;
    "5" "acquire dropped at every poll" cancel::dropped_anywhere;
    "6" "waiter cancelled as it is woken" cancel::cancelled_when_woken;
    "7a" "guard dropped outside a runtime" guards::dropped_elsewhere;
    "7b" "… and its object is broken" guards::broken_elsewhere;
    "7c" "guard dropped while unwinding" guards::dropped_unwinding;
    "7d" "guard dropped in a destructor" guards::dropped_in_a_destructor;
    "8" "guard leaked" guards::leaked;
    "9a" "guards outlive the last handle" guards::guards_outlive;
    "9b" "waiters outlive the last handle" guards::waiters_outlive;
    "9c" "creations end with the last handle" guards::creations_end;
    "10a" "resize 10 → 2 → 10" control::resized;
    "10b" "close" control::closed;
    "10c" "pause" control::paused;
    "10d" "retain" control::retained;
    "11a" "retain's predicate panics" callbacks::predicate_panics;
    "11b" "a hook panics" callbacks::hook_panics;
    "12" "server down and back" outage::down_and_back;
    "13a" "server restarted, objects idle" stale::restarted_while_idle;
    "13b" "server restarted, objects in use" stale::restarted_while_busy;
    "14" "black hole" stale::black_hole;
    "15" "saturation" load::saturated;
    "16" "all time out together" load::all_time_out;
    "17a" "equal shares" fairness::shares;
    "17b" "overtaking" fairness::overtaken;
    "18" "nested acquire" guards::nested;
    "20" "lifetimes end together" upkeep::lifetimes_end;
    "21" "idle reaping against min idle" upkeep::idle_ones_go;
    "27" "spike" load::spike;
    "28" "one deadline for all steps" stale::one_deadline;
    "29" "acquire moved between tasks" cancel::moved_between_tasks;
    "30" "two pools, one dead server" outage::two_pools;
    "31" "panics by chance" upkeep::panics_by_chance;
};

/// What takes a whole machine, or tells times of a few milliseconds.
const ALONE: [&str; 7] = ["6", "15", "16", "17a", "17b", "27", "28"];

impl Row {
    /// Whether it is judged fairly only while nothing else runs.
    pub(crate) fn is_played_alone(&self) -> bool {
        ALONE.contains(&self.id)
    }

    /// Whether `asked` names it: by its id, or by its number.
    pub(crate) fn is(&self, asked: &str) -> bool {
        let number = self.id.trim_end_matches(|c: char| c.is_ascii_lowercase());
        self.id == asked || number == asked
    }
}

/// The row of that name.
pub(crate) fn named(id: &str) -> Option<&'static Row> {
    ALL.iter().find(|row| row.id == id)
}

/// For rows whose bound a busy machine can spoil: one try that passes will do.
async fn best_of_three<R: Future<Output = Verdict>>(attempt: impl Fn() -> R) -> Verdict {
    for _ in 0..2 {
        match attempt().await {
            Err(Judgement::Fails(..)) => {}
            ended => return ended,
        }
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_names_all_its_parts() {
        let named = |asked| -> Vec<_> {
            let some = ALL.iter().filter(|row| row.is(asked));
            some.map(|row| row.id).collect()
        };
        assert_eq!(named("3"), ["3a", "3b", "3c"]);
        assert_eq!(named("3b"), ["3b"]);
        assert_eq!(named("1"), ["1"]);
        assert!(named("22").is_empty());
    }

    #[test]
    fn every_row_is_there_once() {
        let mut ids: Vec<_> = ALL.iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
    }
}
