//! Which identifiers a scope accepts, and what it says to the others.
//!
//! Decides what is refused because it could be mistaken for something else by whoever reads it;
//! knows nothing of what the identifiers stand for.

use std::fmt;

use super::{Level, Scope};
use crate::printable::is_printable;

/// The longest identifier, in bytes.
const MOST_BYTES: usize = 128;

/// Why a scope cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// The identifier is empty: it would be nobody's, or everybody's.
    #[error("the {level} id must not be empty")]
    Empty {
        /// What it was to name.
        level: Level,
    },
    /// The identifier is too long.
    #[error("the {level} id must have at most {MOST_BYTES} bytes, got {bytes}")]
    TooLong {
        /// What it was to name.
        level: Level,
        /// How long it is.
        bytes: usize,
    },
    /// The identifier begins or ends with white space.
    #[error("the {level} id must not begin or end with white space, got {id:?}")]
    Untrimmed {
        /// What it was to name.
        level: Level,
        /// The identifier.
        id: String,
    },
    /// The identifier has characters that do not show, or change how others show.
    #[error("the {level} id must be printable, got {id:?}")]
    Unprintable {
        /// What it was to name.
        level: Level,
        /// The identifier.
        id: String,
    },
    /// The new scope would not be narrower than the one that it was to be in.
    #[error("there is no {level} inside {inside}: levels go tenant, workflow, execution, action")]
    OutOfOrder {
        /// What was to be made.
        level: Level,
        /// Where.
        inside: Scope,
    },
}

/// Whether `id` may name something at `level`.
pub(super) fn check(level: Level, id: &str) -> Result<(), ScopeError> {
    if id.is_empty() {
        return Err(ScopeError::Empty { level });
    }
    if id.len() > MOST_BYTES {
        let bytes = id.len();
        return Err(ScopeError::TooLong { level, bytes });
    }
    if id.trim().len() != id.len() {
        let id = id.to_owned();
        return Err(ScopeError::Untrimmed { level, id });
    }
    if !is_printable(id) {
        let id = id.to_owned();
        return Err(ScopeError::Unprintable { level, id });
    }
    Ok(())
}

/// An identifier as it is shown in a sentence: quoted, unless it is a plain word.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| c.is_alphanumeric() || "-_.@".contains(c);
        if self.0.chars().all(is_plain) {
            f.write_str(self.0)
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(id: &str) -> Option<ScopeError> {
        check(Level::Tenant, id).err()
    }

    #[test]
    fn ordinary_identifiers_pass() {
        let longest = "x".repeat(MOST_BYTES);
        let ids = [
            "7",
            "acme",
            "a b",
            "O'Neill",
            r"c:\d",
            "Ü",
            "हिन्दी",
            "東京",
            &longest,
        ];
        for id in ids {
            assert_eq!(refusal(id), None, "{id}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        let level = Level::Tenant;
        assert_eq!(refusal(""), Some(ScopeError::Empty { level }));
        for id in [
            " ",
            "acme ",
            "\tacme",
            "acme\n",
            "\u{a0}acme",
            "acme\u{3000}",
        ] {
            let id = id.to_owned();
            assert_eq!(refusal(&id), Some(ScopeError::Untrimmed { level, id }));
        }
        // No width, another direction, a byte order mark, a soft hyphen, a mark upon nothing, a
        // tag, for private use.
        let hidden = [
            "ac\0me",
            "ac\nme",
            "ac\u{7f}me",
            "ac\u{200b}me",
            "ac\u{202e}me",
            "\u{feff}acme",
            "ac\u{ad}me",
            "\u{301}acme",
            "ac\u{e0041}me",
            "ac\u{e000}me",
            "ac\u{a0}me",
        ];
        for id in hidden {
            let id = id.to_owned();
            assert_eq!(refusal(&id), Some(ScopeError::Unprintable { level, id }));
        }
    }

    #[test]
    fn too_long_is_counted_in_bytes() {
        let id = "é".repeat(MOST_BYTES / 2 + 1);
        let (level, bytes) = (Level::Tenant, MOST_BYTES + 2);
        assert_eq!(refusal(&id), Some(ScopeError::TooLong { level, bytes }));
    }

    #[test]
    fn an_identifier_cannot_pass_for_a_sentence() {
        assert_eq!(Shown("acme-7_b.c@d").to_string(), "acme-7_b.c@d");
        assert_eq!(Shown("7 in tenant x").to_string(), r#""7 in tenant x""#);
        assert_eq!(Shown(r#"a"b"#).to_string(), r#""a\"b""#);
    }
}
