//! The parts of an error's sentence that are put together from names, scopes and states.
//!
//! Decides wording, and which name may have been meant; knows nothing of who says it.

use std::fmt;

use super::ReloadError;
use crate::key::Key;
use crate::lifecycle::State;
use crate::scope::Scope;

/// The most names that an error lists.
const MOST_LISTED: usize = 8;

/// What there is instead, the nearest name first.
pub(super) struct Known<'a>(pub(super) &'a [Key], pub(super) &'a str);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(known, asked) = self;
        if known.is_empty() {
            return f.write_str("nothing is registered");
        }
        let is_near = |key: &&Key| **key != *asked && resembles(key, asked);
        if let Some(near) = known.iter().find(is_near) {
            write!(f, "did you mean {near:?}? ")?;
        }
        f.write_str("registered: ")?;
        list(f, known)
    }
}

/// Whether one could be a slip of the pen for the other: the same letters and digits, but for case
/// and what stands between them, or one of them more or less at the end.
fn resembles(key: &str, asked: &str) -> bool {
    let bare = |name: &str| -> String {
        let letters = name.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let (key, asked) = (bare(key), bare(asked));
    let (short, long) = if key.len() < asked.len() {
        (&key, &asked)
    } else {
        (&asked, &key)
    };
    !short.is_empty() && long.starts_with(short.as_str()) && long.len() - short.len() <= 2
}

fn list(f: &mut fmt::Formatter<'_>, names: &[impl fmt::Display]) -> fmt::Result {
    for (at, name) in names.iter().take(MOST_LISTED).enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(f, "{comma}{name}")?;
    }
    match names.len().saturating_sub(MOST_LISTED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

/// The first of the tenants that refused, and how many others did.
pub(super) struct Refusals<'a>(pub(super) &'a [(Scope, ReloadError)]);

impl fmt::Display for Refusals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(((tenant, why), others)) = self.0.split_first() else {
            return Ok(());
        };
        write!(f, "{tenant}: {why}")?;
        match others.len() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Reads on after "belongs to".
pub(super) struct Owners<'a>(pub(super) &'a [Scope]);

impl fmt::Display for Owners<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, self.0)
    }
}

/// Reads on after "the caller is".
pub(super) struct Caller<'a>(pub(super) &'a Scope);

impl fmt::Display for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self.0 == Scope::GLOBAL {
            f.write_str("nobody's (its scope is global)")
        } else {
            self.0.fmt(f)
        }
    }
}

/// Reads on after "registered".
pub(super) struct For<'a>(pub(super) &'a Scope);

impl fmt::Display for For<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self.0 == Scope::GLOBAL {
            f.write_str("for everybody")
        } else {
            write!(f, "for {}", self.0)
        }
    }
}

/// What whoever asked can do about a state.
pub(super) struct Advice(pub(super) State);

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Created | State::Initializing => "will be handed out once it is ready",
            State::Quarantined => "is handed out again once it has recovered",
            State::Failed => "stays so until somebody reloads or repairs it",
            _ => "is not handed out any more",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        for asked in ["main-db", "MainDB", "main_db2", "main_d", "maindb", "main"] {
            assert!(resembles("main_db", asked), "{asked}");
        }
        for asked in ["orders", "mai", "m", "", "__", "db"] {
            assert!(!resembles("main_db", asked), "{asked}");
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let keys: Vec<Key> = (0..10)
            .filter_map(|n| Key::new(format!("k{n}")).ok())
            .collect();
        let says = Known(&keys, "x").to_string();
        assert_eq!(
            says,
            "registered: k0, k1, k2, k3, k4, k5, k6, k7 and 2 more"
        );
        assert_eq!(Known(&[], "x").to_string(), "nothing is registered");
    }
}
