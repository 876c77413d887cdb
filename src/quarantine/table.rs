//! The phases of a quarantine, and the one table that says what leads from which to which.
//!
//! Decides what can happen at all. Knows nothing of time, of counts, or of what a phase means for
//! callers.

/// Where a resource stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Handed out.
    Free,
    /// Handed out; its last checks failed.
    Suspect,
    /// In quarantine, until the next attempt.
    Held,
    /// In quarantine; an attempt goes on.
    Trying,
    /// Given up; looked at now and then.
    Lost,
    /// Given up; somebody looks.
    Probing,
    /// In quarantine by hand; nobody looks.
    Shut,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    /// A check succeeded.
    Success,
    /// A check failed, one of too few.
    Failure,
    /// A check failed, and that was once too often.
    Struck,
    /// It is beyond recovery.
    Fatal,
    /// It is time for an attempt.
    Due,
    /// An attempt succeeded, one of too few.
    Passed,
    /// An attempt succeeded, and that was enough.
    Cured,
    /// An attempt failed.
    Failed,
    /// An attempt failed, and it was the last.
    GaveUp,
    /// Somebody puts it into quarantine.
    Hold,
    /// Somebody takes it out of quarantine.
    Release,
}

use Input::{Cured, Due, Failed, Failure, Fatal, GaveUp, Hold, Passed, Release, Struck, Success};
use Phase::{Free, Held, Lost, Probing, Shut, Suspect, Trying};

/// What leads where. Whatever is not here changes nothing: it came too late.
const TABLE: [(Phase, &[(Input, Phase)]); 7] = [
    (
        Free,
        &[
            (Success, Free),
            (Failure, Suspect),
            (Struck, Held),
            (Fatal, Lost),
            (Hold, Shut),
        ],
    ),
    (
        Suspect,
        &[
            (Success, Free),
            (Failure, Suspect),
            (Struck, Held),
            (Fatal, Lost),
            (Hold, Shut),
        ],
    ),
    (Held, &[(Due, Trying), (Hold, Shut), (Release, Free)]),
    (
        Trying,
        &[
            (Passed, Held),
            (Cured, Free),
            (Failed, Held),
            (GaveUp, Lost),
            (Fatal, Lost),
            (Hold, Shut),
            (Release, Free),
        ],
    ),
    (Lost, &[(Due, Probing), (Hold, Shut), (Release, Free)]),
    (
        Probing,
        &[
            (Passed, Lost),
            (Cured, Free),
            (Failed, Lost),
            (GaveUp, Lost),
            (Fatal, Lost),
            (Hold, Shut),
            (Release, Free),
        ],
    ),
    (Shut, &[(Release, Free)]),
];

/// A phase is found in the table by its number.
const _: () = {
    let mut at = 0;
    while at < TABLE.len() {
        assert!(
            TABLE[at].0 as usize == at,
            "a row of the table is out of place"
        );
        at += 1;
    }
};

impl Phase {
    /// Where `input` leads; `None` if it leads nowhere.
    pub(crate) fn after(self, input: Input) -> Option<Self> {
        let mut row = TABLE[self as usize].1.iter();
        row.find(|(known, _)| *known == input)
            .map(|(_, next)| *next)
    }

    /// Whether callers get it.
    pub(crate) const fn serves(self) -> bool {
        matches!(self, Free | Suspect)
    }

    /// Whether an attempt to bring it back goes on.
    pub(crate) const fn is_attempt(self) -> bool {
        matches!(self, Trying | Probing)
    }

    /// Whether it has been given up.
    pub(crate) const fn is_given_up(self) -> bool {
        matches!(self, Lost | Probing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Phase; 7] = [Free, Suspect, Held, Trying, Lost, Probing, Shut];

    const INPUTS: [Input; 11] = [
        Success, Failure, Struck, Fatal, Due, Passed, Cured, Failed, GaveUp, Hold, Release,
    ];

    #[test]
    fn of_all_pairs_only_these_lead_anywhere() {
        // Written out a second time, in the order of `INPUTS`; each letter is a phase.
        let expected = [
            "FSHL.....M.", // free
            "FSHL.....M.", // suspect
            "....T....MF", // held
            "...L.HFHLMF", // trying
            "....P....MF", // lost
            "...L.LFLLMF", // probing
            "..........F", // shut
        ];
        let letter = |phase: Option<Phase>| match phase {
            None => '.',
            Some(Free) => 'F',
            Some(Suspect) => 'S',
            Some(Held) => 'H',
            Some(Trying) => 'T',
            Some(Lost) => 'L',
            Some(Probing) => 'P',
            Some(Shut) => 'M',
        };
        for (phase, row) in ALL.into_iter().zip(expected) {
            let found: String = INPUTS
                .map(|input| letter(phase.after(input)))
                .iter()
                .collect();
            assert_eq!(found, row, "{phase:?}");
        }
    }

    #[test]
    fn whoever_is_kept_can_always_be_released() {
        for phase in ALL {
            assert_eq!(
                phase.after(Release) == Some(Free),
                !phase.serves(),
                "{phase:?}"
            );
        }
    }

    #[test]
    fn who_is_shut_by_hand_is_left_alone() {
        for input in INPUTS.into_iter().filter(|input| *input != Release) {
            assert_eq!(Shut.after(input), None);
        }
    }

    #[test]
    fn only_an_attempt_or_a_hand_brings_it_back() {
        for phase in ALL.into_iter().filter(|phase| !phase.serves()) {
            for input in INPUTS {
                let served = phase.after(input).is_some_and(Phase::serves);
                let by_attempt = phase.is_attempt() && input == Cured;
                assert_eq!(
                    served,
                    by_attempt || input == Release,
                    "{phase:?} {input:?}"
                );
            }
        }
    }
}
