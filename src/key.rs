//! What a resource is called.
//!
//! Decides which names are accepted; knows nothing of what bears them.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::printable::is_printable;

/// The longest key, in bytes.
const MOST_BYTES: usize = 128;

/// The name of a resource: 1 to 128 bytes, printable, no white space at either end.
///
/// Compared byte for byte. Cloning one counts a reference.
///
/// # Examples
///
/// ```
/// use nebula_resource::Key;
///
/// let key: Key = "main_db".parse()?;
/// assert_eq!(key, "main_db");
/// assert!(Key::new("").is_err());
/// # Ok::<(), nebula_resource::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

/// Why a key is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is nothing.
    #[error("a key must not be empty")]
    Empty,
    /// There is too much.
    #[error("a key must have at most {MOST_BYTES} bytes, got {bytes}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It begins or ends with white space, or has characters that do not show themselves.
    #[error("a key must be printable, with no white space around it, got {key:?}")]
    Unprintable {
        /// What was to be a key.
        key: String,
    },
}

impl Key {
    /// `name` as a key.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when it is empty, too long, not printable, or has white space around it.
    pub fn new(name: impl AsRef<str>) -> Result<Self, KeyError> {
        let name = name.as_ref();
        if name.is_empty() {
            return Err(KeyError::Empty);
        }
        if name.len() > MOST_BYTES {
            return Err(KeyError::TooLong { bytes: name.len() });
        }
        if name.trim().len() != name.len() || !is_printable(name) {
            let key = name.to_owned();
            return Err(KeyError::Unprintable { key });
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        Self::new(name)
    }
}

impl TryFrom<&str> for Key {
    type Error = KeyError;

    fn try_from(name: &str) -> Result<Self, KeyError> {
        Self::new(name)
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(name: String) -> Result<Self, KeyError> {
        Self::new(name)
    }
}

impl Deref for Key {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A key hashes as its text does, so that a map of keys can be asked for a `&str`.
impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Key {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Key {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::new(name).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        let longest = "x".repeat(MOST_BYTES);
        for name in [
            "a",
            "main_db",
            "orders/eu-1",
            "O'Neill",
            "Datenbank für Ü",
            &longest,
        ] {
            assert_eq!(Key::new(name).map(|key| key == name), Ok(true), "{name}");
        }
    }

    #[test]
    fn what_could_be_mistaken_is_refused() {
        assert_eq!(Key::new(""), Err(KeyError::Empty));
        let bytes = MOST_BYTES + 1;
        assert_eq!(
            Key::new("x".repeat(bytes)),
            Err(KeyError::TooLong { bytes })
        );
        for name in [
            " a",
            "a\n",
            "\u{a0}a",
            "a\0b",
            "a\u{200b}b",
            "a\u{202e}b",
            " ",
        ] {
            let key = name.to_owned();
            assert_eq!(
                Key::new(name),
                Err(KeyError::Unprintable { key }),
                "{name:?}"
            );
        }
    }

    #[test]
    fn files_go_through_the_same_door() {
        let key: Result<Key, _> = serde_json::from_str("\"main_db\"");
        assert!(key.is_ok_and(|key| key == "main_db"));
        for text in ["\"\"", "\" a\"", "7", "null"] {
            assert!(serde_json::from_str::<Key>(text).is_err(), "{text}");
        }
    }
}
