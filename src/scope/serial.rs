//! How a scope is written in a file and read from one.
//!
//! Decides the form only: what is read goes through the same door as every other scope. Knows no
//! format.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Level, Scope};

/// The names of the fields.
const FIELDS: [&str; 4] = [
    Level::Tenant.as_str(),
    Level::Workflow.as_str(),
    Level::Execution.as_str(),
    Level::Action.as_str(),
];

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::GLOBAL {
            return serializer.serialize_str(Level::Global.as_str());
        }
        let named = || {
            Level::NAMED
                .iter()
                .filter_map(|&at| Some((at, self.id_at(at)?)))
        };
        let mut map = serializer.serialize_map(Some(named().count()))?;
        for (level, id) in named() {
            map.serialize_entry(level.as_str(), id)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Scope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"global\", or a map of at least one of tenant, workflow, execution, action")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scope, E> {
        if text == Level::Global.as_str() {
            Ok(Scope::GLOBAL)
        } else {
            Err(E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scope, A::Error> {
        let mut ids: [Option<String>; FIELDS.len()] = Default::default();
        while let Some(name) = map.next_key::<String>()? {
            let Some(place) = FIELDS.iter().position(|field| *field == name) else {
                return Err(de::Error::unknown_field(&name, &FIELDS));
            };
            if ids[place].replace(map.next_value()?).is_some() {
                return Err(de::Error::duplicate_field(FIELDS[place]));
            }
        }
        let mut scope = Scope::GLOBAL;
        for (level, id) in Level::NAMED.into_iter().zip(ids) {
            let Some(id) = id else { continue };
            scope = scope.inside(level, &id).map_err(de::Error::custom)?;
        }
        if scope == Scope::GLOBAL {
            return Err(de::Error::invalid_length(0, &self));
        }
        Ok(scope)
    }
}
